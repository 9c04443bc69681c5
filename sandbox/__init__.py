"""The sandbox: Shopify, Twilio, Zendesk and Gorgias over HTTP, and one page to play with them.

A Flask program of its own. The production code knows nothing of it but base URLs in settings,
which production refuses to override. `python -m sandbox` runs it, `python -m sandbox.setup`
installs the demo shop through Doorstep's real doors.
"""
