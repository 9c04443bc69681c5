"""What Zendesk's own package validator (4.52) asks of an app of framework 2.0.

`problems` takes the files of a zip by name. Used by test_zendesk_app, which also shows that
each rule refuses something.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Files = dict[str, bytes]

KEYS = {
    "name", "author", "defaultLocale", "private", "location", "version", "frameworkVersion",
    "singleInstall", "signedUrls", "noTemplate", "oauth", "parameters", "domainWhitelist",
    "remoteInstallationURL", "termsConditionsURL", "gaID", "requirementsOnly", "marketingOnly",
    "experiments",
}  # fmt: skip
BOOLEANS = {"requirementsOnly", "marketingOnly", "singleInstall", "signedUrls", "private"}
STRINGS = {
    "defaultLocale", "version", "frameworkVersion", "remoteInstallationURL", "termsConditionsURL",
    "gaID",
}  # fmt: skip
PARAMETER_TYPES = {"text", "checkbox", "url", "number", "multiline", "hidden", "oauth", "mtls"}
SECURE_SCOPES = {
    "header", "body", "url", "jwt_secret_key", "jwt_claim", "basic_auth_username",
    "basic_auth_password",
}  # fmt: skip
LOCATIONS = {
    "ticket_sidebar", "new_ticket_sidebar", "user_sidebar", "organization_sidebar", "nav_bar",
    "top_bar", "background", "modal", "ticket_editor",
}  # fmt: skip
REQUIREMENTS = {
    "automations", "channel_integrations", "custom_objects", "custom_objects_v2", "macros",
    "organization_fields", "targets", "ticket_fields", "triggers", "user_fields", "views",
    "webhooks",
}  # fmt: skip
MOST_REQUIREMENTS = 5000
LOCALE = re.compile(r"[a-z]{2}(-\w{2,3})?")
PUBLIC_TEXTS = {"name", "short_description", "long_description", "installation_instructions"}


def problems(files: Files) -> list[str]:
    """What the validator would say; of a file that is no JSON only that."""
    broken = [name for name in files if name.endswith(".json") and parsed(files, name) is None]
    if "manifest.json" not in files:
        return ["no manifest.json"]
    if broken:
        return [f"{name} is not an object of JSON" for name in broken]
    manifest = parsed(files, "manifest.json") or {}
    return [
        *manifest_problems(manifest),
        *location_problems(manifest, files),
        *parameter_problems(manifest),
        *translation_problems(manifest, files),
        *requirement_problems(parsed(files, "requirements.json") or {}),
        *code_problems(files),
    ]


def parsed(files: Files, name: str) -> dict[str, Any] | None:
    try:
        said = json.loads(files[name]) if name in files else {}
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def manifest_problems(manifest: dict[str, Any]) -> list[str]:
    said = [f"{key} is not known" for key in manifest.keys() - KEYS]
    said += [f"{key} is missing" for key in ("author", "defaultLocale") if not manifest.get(key)]
    for key in BOOLEANS & manifest.keys():
        if not isinstance(manifest[key], bool):
            said.append(f"{key} must be true or false")
    author = manifest.get("author") or {}
    texts = {key: manifest.get(key) for key in STRINGS}
    texts |= {f"author.{key}": author.get(key) for key in ("name", "email", "url")}
    said += [f"{key} must be text" for key, one in texts.items() if not isinstance(one, str | None)]
    for key in ("author.url", "termsConditionsURL"):
        if isinstance(texts[key], str) and urlsplit(texts[key]).scheme not in ("http", "https"):
            said.append(f"{key} is no address")
    if manifest.get("frameworkVersion") not in ("2.0",):
        said.append("frameworkVersion is not served")
    if manifest.get("noTemplate"):
        said.append("noTemplate is a thing of framework 1")
    domains = manifest.get("domainWhitelist", [])
    if not isinstance(domains, list) or not all(isinstance(one, str) for one in domains):
        said.append("domainWhitelist must be a list of texts")
    return said


def location_problems(manifest: dict[str, Any], files: Files) -> list[str]:
    location = manifest.get("location")
    if not isinstance(location, dict) or not location:
        return ["location is missing"]
    said = [f"{host} is no product" for host in location.keys() - {"support", "chat", "sell"}]
    for name, options in location.get("support", {}).items():
        if name not in LOCATIONS:
            said.append(f"{name} is no location")
        url = options.get("url") if isinstance(options, dict) else options
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        inside = not parts.scheme and parts.path.startswith("assets/") and parts.path in files
        if not (inside or parts.scheme == "https" or parts.hostname == "localhost"):
            said.append(f"{name} has no https address")
        if isinstance(options, dict) and not isinstance(options.get("flexible", True), bool):
            said.append(f"{name}.flexible must be true or false")
    return said


def parameter_problems(manifest: dict[str, Any]) -> list[str]:
    parameters = manifest.get("parameters", [])
    if not isinstance(parameters, list):
        return ["parameters must be a list"]
    names = [one.get("name") for one in parameters]
    said = ["two parameters have one name"] if len({*names}) < len(names) else []
    said += ["a parameter must not be called name"] if "name" in names else []
    if sum(one.get("type") == "oauth" for one in parameters) > 1:
        said.append("more than one oauth parameter")
    for one in parameters:
        if one.get("type", "text") not in PARAMETER_TYPES:
            said.append(f"{one['type']} is no type of parameter")
        if any(not isinstance(one.get(key, False), bool) for key in ("required", "secure")):
            said.append("required and secure must be true or false")
        if one.get("type") == "hidden" and one.get("required"):
            said.append("nobody can fill in what is hidden")
        if one.get("secure") and not ({*one.get("scopes", [])} & SECURE_SCOPES):
            said.append("a secure parameter says where it may be used")
        if one.get("secure") and one.get("type") == "oauth":
            said.append("an oauth parameter cannot be secure")
    if manifest.get("oauth") and not any(one.get("type") == "oauth" for one in parameters):
        said.append("oauth needs its parameter")
    return said


def translation_problems(manifest: dict[str, Any], files: Files) -> list[str]:
    said = []
    default = manifest.get("defaultLocale") or ""
    if f"translations/{default}.json" not in files or not LOCALE.fullmatch(default):
        said.append("the default locale has no translation")
    needed = {"name"} if manifest.get("private", True) else PUBLIC_TEXTS
    for name in files:
        if not name.startswith("translations/"):
            continue
        if not LOCALE.fullmatch(Path(name).stem):
            said.append(f"{name} is of no locale")
        app = (parsed(files, name) or {}).get("app", {})
        missing = needed - {key for key, text in app.items() if isinstance(text, str) and text}
        said += [f"{name} lacks {key}" for key in sorted(missing)]
    return said


def requirement_problems(requirements: dict[str, Any]) -> list[str]:
    said = [f"{kind} cannot be required" for kind in requirements.keys() - REQUIREMENTS]
    if sum(len(group) for group in requirements.values()) > MOST_REQUIREMENTS:
        said.append("too many requirements")
    if len(requirements.get("channel_integrations", {})) > 1:
        said.append("more than one channel integration")
    for kind, group in requirements.items():
        if kind in ("channel_integrations", "custom_objects", "custom_objects_v2"):
            continue
        said += [f"{key} has no title" for key, one in group.items() if "title" not in one]
        if kind in ("user_fields", "organization_fields"):
            said += [f"{key} has no key" for key, one in group.items() if "key" not in one]
    return said


def code_problems(files: Files) -> list[str]:
    """An app whose page is elsewhere brings no code, and its drawings none either."""
    said = [f"{name} is code" for name in files if name in ("app.js", "app.css")]
    said += [f"{name} is code" for name in files if name.startswith(("templates/", "lib/"))]
    alive = re.compile(rb"<script|\bon\w+\s*=|javascript:|<foreignObject", re.IGNORECASE)
    said += [
        f"{name} is not only a drawing"
        for name, content in files.items()
        if name.endswith(".svg") and alive.search(content)
    ]
    return said
