"""What a query costs, and the leaky bucket that it is paid from.

https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits: scalars 0, objects 1,
mutations 10, connections by `first`/`last`; at most 1,000 points a query. Shopify's own figure for
large connections is lower than this straight product (seen: 25 points for 250 variants with their
inventory items), so what passes here passes there. A bucket holds twenty seconds' restore, as
observed; the size is not documented.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

MOST_POINTS = 1000
MUTATION_POINTS = 10
CONNECTION_POINTS = 2
RESTORE_RATES = {"standard": 100.0, "advanced": 200.0, "plus": 1000.0, "enterprise": 2000.0}
BUCKET_SECONDS = 20
CONNECTION_FIELDS = {"nodes", "edges", "node", "pageInfo"}

Fragments = Mapping[str, FragmentDefinitionNode]


def requested_cost(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Fragments,
    variables: Mapping[str, Any],
) -> int:
    """The points that a (valid) operation may cost at most."""
    root = schema.get_root_type(operation.operation)
    start = MUTATION_POINTS if operation.operation is OperationType.MUTATION else 0
    # A mutation's payload is the ten points' worth, not an object on top.
    cost = _selections(schema, operation.selection_set, root, fragments, variables)
    if start:
        cost += sum(MUTATION_POINTS - 1 for _ in operation.selection_set.selections)
    return max(1, cost)


def _selections(
    schema: GraphQLSchema,
    selected: SelectionSetNode | None,
    parent: Any,
    fragments: Fragments,
    variables: Mapping[str, Any],
) -> int:
    cost = 0
    for node in selected.selections if selected else ():
        if isinstance(node, FieldNode):
            cost += _field(schema, node, parent, fragments, variables)
        elif isinstance(node, InlineFragmentNode):
            on = schema.get_type(node.type_condition.name.value) if node.type_condition else parent
            cost += _selections(schema, node.selection_set, on, fragments, variables)
        elif isinstance(node, FragmentSpreadNode):
            fragment = fragments[node.name.value]
            on = schema.get_type(fragment.type_condition.name.value)
            cost += _selections(schema, fragment.selection_set, on, fragments, variables)
    return cost


def _field(
    schema: GraphQLSchema,
    node: FieldNode,
    parent: Any,
    fragments: Fragments,
    variables: Mapping[str, Any],
) -> int:
    if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return 0
    definition = parent.fields.get(node.name.value)
    if definition is None:  # __typename
        return 0
    returned: GraphQLOutputType = get_named_type(definition.type)
    if not is_composite_type(returned):
        return 0
    inner = _selections(schema, node.selection_set, returned, fragments, variables)
    name = getattr(returned, "name", "")
    if name.endswith("Connection"):
        return CONNECTION_POINTS + _size(node, variables) * inner
    if parent.name.endswith("Connection") or parent.name.endswith("Edge"):
        # nodes and edges{node} are one object each time; pageInfo is part of the connection
        if node.name.value in ("nodes", "node"):
            return 1 + inner
        return inner if node.name.value in CONNECTION_FIELDS else 1 + inner
    return 1 + inner


def _size(node: FieldNode, variables: Mapping[str, Any]) -> int:
    for argument in node.arguments:
        if argument.name.value in ("first", "last"):
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                return int(variables.get(argument.value.name.value) or 0)
    return 0


def actual_cost(data: Any, *, mutations: int) -> int:
    """The points that an answer did cost: its objects, as they came."""
    points = MUTATION_POINTS * mutations - mutations if mutations else 0
    return max(1, points + sum(_objects(one) for one in _children(data)))


def _objects(value: Any) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(_objects(one) for one in _children(value))
    if isinstance(value, list):
        return sum(_objects(one) for one in value)
    return 0


def _children(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else ()


class Bucket:
    """One app's points at one shop; drains by queries, refills with real time."""

    def __init__(self, plan: str = "plus") -> None:
        self._lock = threading.Lock()
        self.set_plan(plan)

    def set_plan(self, plan: str) -> None:
        """Give the shop another plan's rate, and a full bucket. Raises KeyError."""
        with self._lock:
            self.restore_rate = RESTORE_RATES[plan]
            self.maximum = self.restore_rate * BUCKET_SECONDS
            self._available = self.maximum
            self._at = time.monotonic()

    def drain(self) -> None:
        """Empty it: the next query is throttled."""
        with self._lock:
            self._refill()
            self._available = 0.0

    def take(self, points: int) -> bool:
        """Whether there was enough; if so it is gone."""
        with self._lock:
            self._refill()
            if self._available < points:
                return False
            self._available -= points
            return True

    def give_back(self, points: int) -> None:
        """What a query asked for and did not use."""
        with self._lock:
            self._available = min(self.maximum, self._available + points)

    def report(self, requested: int, actual: int | None) -> dict[str, Any]:
        """The `extensions.cost` of an answer."""
        with self._lock:
            self._refill()
            return {
                "requestedQueryCost": requested,
                "actualQueryCost": actual,
                "throttleStatus": {
                    "maximumAvailable": self.maximum,
                    "currentlyAvailable": int(self._available),
                    "restoreRate": self.restore_rate,
                },
            }

    def _refill(self) -> None:
        now = time.monotonic()
        self._available = min(self.maximum, self._available + (now - self._at) * self.restore_rate)
        self._at = now
