"""Executes Admin API operations on the real schema against the emulated shop.

In Shopify's order: token (in `doors`), syntax, validity, variables, cost, bucket, then execution
with a check of scopes and of protected customer data at every field. Errors arrive with HTTP 200,
as there; wording that is not documented is Shopify's as others have reported it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionContext,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    parse,
    print_ast,
    validate,
)
from graphql.execution.values import get_variable_values

from sandbox import clock
from sandbox.shopify import cost, goods, mutations, views
from sandbox.shopify.admin_schema import expand, field_access, is_protected, lacking, load_schema
from sandbox.shopify.connections import NotEmulated, search_orders
from sandbox.shopify.notation import number
from sandbox.shopify.store import Record
from sandbox.shopify.world import ShopifyWorld

ORDER_AGE = timedelta(days=60)  # what an app sees without read_all_orders

UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")
UNKNOWN_ARGUMENT = re.compile(r"Unknown argument '(\w+)' on field '(\w+)\.(\w+)'")
MISSING_ARGUMENT = re.compile(r"Field '(\w+)' argument '(\w+)' of type '[^']+' is required")


@dataclass(frozen=True)
class Asked:
    """What resolvers need to know about the request."""

    world: ShopifyWorld
    shop: Record
    held: frozenset[str]


@lru_cache(maxsize=256)
def _checked(query: str) -> tuple[DocumentNode, tuple[GraphQLError, ...]]:
    document = parse(query)
    return document, tuple(validate(load_schema(), document))


def run(
    world: ShopifyWorld, shop: Record, query: str, variables: Mapping[str, Any], name: str | None
) -> Record:
    """The answer's JSON. Raises NotEmulated where the emulator must not pretend."""
    try:
        document, errors = _checked(query)
    except GraphQLSyntaxError as error:
        return {"errors": [{"message": error.message, "locations": _locations(error)}]}
    if errors:
        return {"errors": [_validation_error(error) for error in errors]}
    operation = _operation(document, name)
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    problems = _variable_errors(operation, variables)
    if problems:
        return {"errors": problems}
    return _paid(world, shop, document, operation, variables)


def _paid(
    world: ShopifyWorld,
    shop: Record,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> Record:
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    requested = cost.requested_cost(load_schema(), operation, fragments, variables)
    if requested > cost.MOST_POINTS:
        return {"errors": [_too_costly(requested)]}
    bucket = world.bucket(shop)
    if not bucket.take(requested):
        throttled = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
        return {"errors": [throttled], "extensions": {"cost": bucket.report(requested, None)}}
    data, errors = _execute(world, shop, document, operation, variables)
    mutations_run = (
        len(operation.selection_set.selections)
        if operation.operation is OperationType.MUTATION
        else 0
    )
    actual = min(requested, cost.actual_cost(data, mutations=mutations_run))
    bucket.give_back(requested - actual)
    answer: Record = {"data": data}
    if errors:
        answer["errors"] = errors
    answer["extensions"] = {"cost": bucket.report(requested, actual)}
    return answer


def _execute(
    world: ShopifyWorld,
    shop: Record,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> tuple[Any, list[Record]]:
    asked = Asked(world, shop, expand(shop["scopes"]))
    with world.store.changing():
        result = execute_sync(
            load_schema(),
            document,
            root_value=_root(asked, operation),
            context_value=asked,
            variable_values=dict(variables),
            operation_name=operation.name.value if operation.name else None,
            field_resolver=_resolve,
            execution_context_class=ExecutionContext,
        )
    errors: list[Record] = []
    for error in result.errors or ():
        if isinstance(error.original_error, NotEmulated):
            raise error.original_error
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
        errors.append(dict(error.formatted))
    return result.data, errors


def _root(asked: Asked, operation: OperationDefinitionNode) -> Record:
    if operation.operation is OperationType.MUTATION:
        return mutations.root(asked.world, asked.shop)
    world, shop = asked.world, asked.shop
    oldest = None
    if "read_all_orders" not in asked.held:
        oldest = world.stamp(clock.now() - ORDER_AGE)

    def order(id: str) -> Record | None:
        return _shown_order(world, shop, world.store.order(_number(id, "Order")), oldest)

    def fulfillment(id: str) -> Record | None:
        wanted = _number(id, "Fulfillment")
        found = world.store.order_of(wanted)
        if _shown_order(world, shop, found, oldest) is None or found is None:
            return None
        parcels = (one for one in found["fulfillments"] if one["id"] == wanted)
        return next((views.parcel_view(world, found, one) for one in parcels), None)

    def customer(id: str) -> Record | None:
        found = world.store.customer(_number(id, "Customer"))
        mine = found is not None and found["shop"] == shop["domain"]
        return views.customer_view(found) if found is not None and mine else None

    def product(id: str) -> Record | None:
        found = world.store.get("product", str(_number(id, "Product")))
        mine = found is not None and found["shop"] == shop["domain"]
        return goods.product_view(world, found["id"]) if found is not None and mine else None

    return {
        "order": order,
        "orders": lambda **wanted: search_orders(
            world.store,
            shop,
            lambda found: views.order_view(world, found),
            not_before=oldest,
            **wanted,
        ),
        "fulfillment": fulfillment,
        "customer": customer,
        "product": product,
        "shop": lambda: goods.shop_view(shop),
        "currentAppInstallation": lambda: goods.installation_view(world, shop),
    }


def _shown_order(
    world: ShopifyWorld, shop: Record, order: Record | None, oldest: str | None
) -> Record | None:
    if order is None or order["shop"] != shop["domain"]:
        return None
    if oldest is not None and order["created_at"] < oldest:
        return None
    return views.order_view(world, order)


def _number(global_id: str, kind: str) -> int:
    found = number(global_id, kind)
    if found is None:
        raise GraphQLError(f"Invalid id: {global_id}", extensions={"code": "RESOURCE_NOT_FOUND"})
    return found


def _resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    asked: Asked = info.context
    parent = info.parent_type.name
    for sentence in field_access(parent, info.field_name):
        if lacking(sentence, asked.held):
            raise GraphQLError(
                f"Access denied for {info.field_name} field. Required access: {sentence}",
                extensions={
                    "code": "ACCESS_DENIED",
                    "documentation": "https://shopify.dev/api/usage/access-scopes",
                    "requiredAccess": sentence,
                },
            )
    if not asked.shop["approved"] and is_protected(parent, info.field_name):
        raise GraphQLError(
            f"This app is not approved to use the {info.field_name} field. See "
            "https://partners.shopify.com for more details."
        )
    if info.field_name not in source:
        raise NotEmulated(f"the sandbox does not emulate {parent}.{info.field_name}")
    value = source[info.field_name]
    return value(**arguments) if callable(value) else value


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if name is None:
        return operations[0] if len(operations) == 1 else None
    return next((one for one in operations if one.name and one.name.value == name), None)


def _variable_errors(
    operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> list[Record]:
    found = get_variable_values(
        load_schema(), operation.variable_definitions or (), dict(variables)
    )
    if not isinstance(found, list):
        return []
    kinds = {one.variable.name.value: print_ast(one.type) for one in operation.variable_definitions}
    errors = []
    for error in found:
        name = (re.search(r"\$(\w+)", error.message) or ["", ""])[1]
        errors.append(
            {
                "message": f"Variable ${name} of type {kinds.get(name, '?')} was provided invalid"
                " value",
                "locations": _locations(error),
                "extensions": {
                    "code": "INVALID_VARIABLE",
                    "value": variables.get(name),
                    "problems": [{"path": [], "explanation": error.message}],
                },
            }
        )
    return errors


def _validation_error(error: GraphQLError) -> Record:
    message, extensions = error.message, {"code": "invalidQuery"}
    if match := UNKNOWN_FIELD.search(message):
        message = f"Field '{match[1]}' doesn't exist on type '{match[2]}'"
        extensions = {"code": "undefinedField", "typeName": match[2], "fieldName": match[1]}
    elif match := UNKNOWN_ARGUMENT.search(message):
        message = f"Field '{match[3]}' doesn't accept argument '{match[1]}'"
        extensions = {"code": "argumentNotAccepted", "name": match[3], "argumentName": match[1]}
    elif match := MISSING_ARGUMENT.search(message):
        message = f"Field '{match[1]}' is missing required arguments: {match[2]}"
        extensions = {"code": "missingRequiredArguments", "name": match[1], "arguments": match[2]}
    return {"message": message, "locations": _locations(error), "extensions": extensions}


def _locations(error: GraphQLError) -> list[Record]:
    return [{"line": one.line, "column": one.column} for one in error.locations or ()]


def _too_costly(requested: int) -> Record:
    return {
        "message": f"Query cost is {requested}, which exceeds the single query max cost limit"
        f" ({cost.MOST_POINTS}).",
        "extensions": {
            "code": "MAX_COST_EXCEEDED",
            "cost": requested,
            "maxCost": cost.MOST_POINTS,
            "documentation": "https://shopify.dev/api/usage/limits#rate-limits",
        },
    }
