"""Who in a shop may do what: one table, read by the guard of the merchant's doors.

Shopify decides who may open the app at all; this decides what they may do in it. Bound by
Shopify's rules for protected customer data, level 2: staff see buyers' data only if their work
needs it. In merchants' words: docs/roles.md. Why so: ADR 0019.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    READ_REPORTS = "read_reports"  # figures and order numbers, nobody's name, number or words
    READ_THREADS = "read_threads"
    REPLY = "reply"
    OPT_OUT = "opt_out"  # record that a buyer wants no more texts
    EXPORT = "export"  # take a buyer's data out
    ERASE = "erase"
    SETTINGS = "settings"
    AUDIT = "audit"  # read who did what
    ROLES = "roles"  # see colleagues and give them a role below owner
    OWNERS = "owners"  # make somebody an owner, or end their being one


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"
    ANALYST = "analyst"


NEWCOMER = Role.ANALYST  # of everybody but the first, until somebody says otherwise

MAY: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission) - {Permission.OWNERS},
    Role.AGENT: frozenset(
        {
            Permission.READ_REPORTS,
            Permission.READ_THREADS,
            Permission.REPLY,
            Permission.OPT_OUT,
        }
    ),
    Role.ANALYST: frozenset({Permission.READ_REPORTS}),
}


def may(role: Role, permission: Permission) -> bool:
    return permission in MAY[role]


def role_named(text: object) -> Role | None:
    return Role(text) if isinstance(text, str) and text in set(Role) else None
