"""A helpdesk of a third kind, as small as one can be: `docs/how-to/add-a-helpdesk.md`, followed.

Slate, which is our own invention, has boards with cards, and lines on them. `board` is the vendor;
the other files are what an adapter's folder in `app/vendors` would hold.
"""
