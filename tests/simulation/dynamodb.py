"""DynamoDB in memory: the calls that the stores make, with the SDK's repeats after lost answers.

Each call first asks `decide` for its fate, so that a scheduler can run another worker there, lose the answer after the
call took effect, or kill the caller. `without` removes a condition from the writes, to see whether a check notices.
tests/integration/test_simulated_dynamodb.py compares it with moto.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

Item = dict[str, Any]
"""An item's attributes as DynamoDB writes them: {"name": {"S": "value"}}."""
Names = Mapping[str, str]
Condition = Callable[[Item, Names, Item], Any]
"""Evaluates part of an expression for an item, attribute names and values."""


class Fate(Enum):
    """The outcome of one call."""

    DONE = auto()
    REPEATED = auto()
    """It takes effect, its answer is lost, and the SDK calls again."""
    UNKNOWN = auto()
    """It takes effect, and every answer is lost: the caller gets an error."""
    KILLED_BEFORE = auto()
    KILLED_AFTER = auto()


class Killed(BaseException):
    """The function's process ended here; nothing catches this."""


@dataclass
class Removal:
    """A condition to remove: in writes whose key matches `key`, what `pattern` matches becomes `replacement`.

    That is in the condition, or in the update (`if_not_exists`). `removed` counts the writes that lost it. A condition
    that is left empty is removed altogether.
    """

    key: str
    pattern: str
    replacement: str = ""
    removed: int = 0

    def __call__(self, write: dict[str, Any]) -> dict[str, Any]:
        """Return the write without the condition."""
        key = write.get("Key") or write.get("Item") or {}
        if not re.search(self.key, f"{key['id']['S']}/{key['record']['S']}"):
            return write
        expressions = {name: write[name] for name in ("ConditionExpression", "UpdateExpression") if name in write}
        changed = {name: re.sub(self.pattern, self.replacement, text) for name, text in expressions.items()}
        if changed == expressions:
            return write
        self.removed += 1
        rest = {name: value for name, value in write.items() if name not in expressions}
        return rest | {name: text for name, text in changed.items() if text}


class ConditionFailedError(ClientError):
    """The error that a client has as `exceptions.ConditionalCheckFailedException`."""


class Exceptions:
    """A client's own errors."""

    ConditionalCheckFailedException = ConditionFailedError


@dataclass
class SimulatedDynamoDB:
    """Tables whose key is `id` and `record`. `indexes` names the partition and sort attribute of each index.

    `changed` hears of each item that is written: the table, the item before and after. `tokens` says whether a
    transaction that comes again with its ClientRequestToken is recognized, and `shows` whether a write whose condition
    failed shows the item, as both should be.
    """

    indexes: Mapping[str, tuple[str, str]]
    decide: Callable[[str], Fate] = lambda _: Fate.DONE
    changed: Callable[[str, Item | None, Item | None], None] = lambda *_: None
    without: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    tokens: bool = True
    shows: bool = True
    tables: dict[str, dict[tuple[str, str], Item]] = field(default_factory=dict)
    exceptions: type[Exceptions] = Exceptions
    _done: set[str] = field(default_factory=set)

    # ---- Reading

    def get_item(self, **call: Any) -> Any:
        """Read one item."""
        return self._call("read", lambda: self._get_item(call))

    def batch_get_item(self, **call: Any) -> Any:
        """Read items by their keys."""
        return self._call("read", lambda: self._batch_get_item(call))

    def query(self, **call: Any) -> Any:
        """Read a part of a table or of an index, in the order of the sort key."""
        return self._call("read", lambda: self._query(call))

    def scan(self, **call: Any) -> Any:
        """Read a part of an index, in no order that anybody knows."""
        return self._call("read", lambda: self._scan(call))

    def _get_item(self, call: dict[str, Any]) -> dict[str, Any]:
        found = self._find(call["TableName"], call["Key"])
        return {"Item": dict(found)} if found else {}

    def _batch_get_item(self, call: dict[str, Any]) -> dict[str, Any]:
        answers: dict[str, list[Item]] = {}
        for table, wanted in call["RequestItems"].items():
            found = [self._find(table, key) for key in wanted["Keys"]]
            answers[table] = [dict(item) for item in found if item]
        return {"Responses": answers, "UnprocessedKeys": {}}

    def _query(self, call: dict[str, Any]) -> dict[str, Any]:
        partition, sort = self.indexes[call["IndexName"]] if "IndexName" in call else ("id", "record")
        condition = parse_condition(call["KeyConditionExpression"])
        names, values = call.get("ExpressionAttributeNames", {}), call["ExpressionAttributeValues"]
        found = [
            item
            for item in self._table(call["TableName"]).values()
            if partition in item and sort in item and condition(item, names, values)
        ]
        found.sort(key=lambda item: (_plain(item[sort]), _key(item)), reverse=not call.get("ScanIndexForward", True))
        if start := call.get("ExclusiveStartKey"):
            place = next((number for number, item in enumerate(found) if _key(item) == _key(start)), -1)
            found = found[place + 1 :]
        limit = call.get("Limit", len(found))
        more = {"LastEvaluatedKey": {name: found[limit - 1][name] for name in ("id", "record")}} if limit and len(
            found
        ) > limit else {}  # fmt: skip
        kept = parse_condition(call["FilterExpression"]) if "FilterExpression" in call else lambda *_: True
        shown = [dict(item) for item in found[:limit] if kept(item, names, values)]
        return {"Items": shown, "Count": len(shown), **more}

    def _scan(self, call: dict[str, Any]) -> dict[str, Any]:
        partition, sort = self.indexes[call["IndexName"]]
        found = [item for item in self._table(call["TableName"]).values() if partition in item and sort in item]
        shown = [dict(item) for item in found[: call["Limit"]]]
        last = {name: shown[-1][name] for name in ("id", "record") if shown}
        return {"Items": shown, "Count": len(shown)} | ({"LastEvaluatedKey": last} if len(found) > len(shown) else {})

    # ---- Writing

    def put_item(self, **call: Any) -> Any:
        """Write a whole item."""
        return self._call("write", lambda: self._write(call, self._put(call)))

    def update_item(self, **call: Any) -> Any:
        """Change an item's attributes."""
        return self._call("write", lambda: {"Attributes": dict(self._write(call, self._update(call)) or {})})

    def delete_item(self, **call: Any) -> Any:
        """Delete an item."""
        return self._call("write", lambda: self._write(call, None))

    def transact_write_items(self, **call: Any) -> Any:
        """Make all writes or none."""
        return self._call("write", lambda: self._transact(call))

    def _transact(self, call: dict[str, Any]) -> dict[str, Any]:
        token = call["ClientRequestToken"]
        if token in self._done and self.tokens:
            return {}
        writes = [next(iter(write.items())) for write in call["TransactItems"]]
        codes = ["None" if self._holds(write) else "ConditionalCheckFailed" for _, write in writes]
        if set(codes) != {"None"}:
            reasons = [{"Code": code} for code in codes]
            raise _refusal("TransactionCanceledException", CancellationReasons=reasons)
        keys = [(write["TableName"], _key(write.get("Key") or write["Item"])) for _, write in writes]
        assert len(set(keys)) == len(keys), f"a transaction writes one item twice: {keys}"
        self._done.add(token)
        for kind, write in writes:
            if kind == "Put":
                self._set(write["TableName"], self._put(write), _key(write["Item"]))
            elif kind == "Update":
                self._set(write["TableName"], self._update(write), _key(write["Key"]))
            elif kind == "Delete":
                self._set(write["TableName"], None, _key(write["Key"]))
        return {}

    def _write(self, call: dict[str, Any], new: Item | None) -> Any:
        key = _key(call.get("Key") or call["Item"])
        if not self._holds(call):
            kept = self._table(call["TableName"]).get(key)
            wanted = kept and self.shows and call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise _refusal("ConditionalCheckFailedException", **({"Item": dict(kept or {})} if wanted else {}))
        self._set(call["TableName"], new, key)
        return new

    def _holds(self, write: dict[str, Any]) -> bool:
        if self.without:
            write = self.without(write)
        expression = write.get("ConditionExpression")
        item = self._table(write["TableName"]).get(_key(write.get("Key") or write["Item"])) or {}
        names, values = write.get("ExpressionAttributeNames", {}), write.get("ExpressionAttributeValues", {})
        return expression is None or bool(parse_condition(expression)(item, names, values))

    def _put(self, write: dict[str, Any]) -> Item:
        return dict(write["Item"])

    def _update(self, write: dict[str, Any]) -> Item:
        if self.without:
            write = self.without(write)
        before = self._table(write["TableName"]).get(_key(write["Key"])) or dict(write["Key"])
        names, values = write.get("ExpressionAttributeNames", {}), write.get("ExpressionAttributeValues", {})
        after = dict(before)
        for verb, name, operand in parse_update(write["UpdateExpression"]):
            attribute = names.get(name, name)
            if verb == "REMOVE":
                after.pop(attribute, None)
            elif verb == "ADD":
                number = int(before.get(attribute, {"N": "0"})["N"]) + int(values[operand]["N"])
                after[attribute] = {"N": str(number)}
            else:
                after[attribute] = _operand(operand, before, names, values)
        return after

    # ---- Items

    def items(self, table: str, record: str) -> list[dict[str, Any]]:
        """List the items of one kind as plain values, without being a call."""
        found = [item for (_, kind), item in self._table(table).items() if kind.partition("#")[0] == record]
        return [{name: _plain(value) for name, value in item.items()} for item in found]

    def _table(self, name: str) -> dict[tuple[str, str], Item]:
        return self.tables.setdefault(name, {})

    def _find(self, table: str, key: Item) -> Item | None:
        return self._table(table).get(_key(key))

    def _set(self, table: str, item: Item | None, key: tuple[str, str]) -> None:
        before = self._table(table).pop(key, None) if item is None else self._table(table).get(key)
        if item is not None:
            self._table(table)[key] = item
        self.changed(table, before, item)

    # ---- Fates

    def _call(self, kind: str, do: Callable[[], Any]) -> Any:
        while True:
            fate = self.decide(kind)
            if fate is Fate.KILLED_BEFORE:
                raise Killed
            try:
                answer = do()
            except ClientError:
                if fate is Fate.DONE:
                    raise
                answer = None
            if fate is Fate.DONE:
                return answer
            if fate is Fate.KILLED_AFTER:
                raise Killed
            if fate is Fate.UNKNOWN:
                raise ReadTimeoutError(endpoint_url="simulated")


def _refusal(code: str, **more: Any) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "refused"}, **more}
    kind = ConditionFailedError if code == "ConditionalCheckFailedException" else ClientError
    return kind(answer, "simulated")


def _key(item: Item) -> tuple[str, str]:
    return item["id"]["S"], item["record"]["S"]


def _plain(value: Mapping[str, Any]) -> Any:
    (kind, content), = value.items()  # fmt: skip
    return int(content) if kind == "N" else content


# ---- Expressions

_TOKEN = re.compile(r"\s*(<>|<=|>=|[()=<>,+-]|[#:]?[A-Za-z0-9_]+)")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "<>": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}
_MISSING = object()


class _Parser:
    """Reads a condition: OR of ANDs of comparisons, functions and parentheses."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def next(self, expected: str | None = None) -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise NotImplementedError(f"expected {expected or 'more'}, found {token!r} in {' '.join(self.tokens)}")
        self.place += 1
        return token

    def any_of(self) -> Condition:
        parts = [self.all_of()]
        while self.peek().upper() == "OR":
            self.next()
            parts.append(self.all_of())
        return lambda *given: any(part(*given) for part in parts)

    def all_of(self) -> Condition:
        parts = [self.one()]
        while self.peek().upper() == "AND":
            self.next()
            parts.append(self.one())
        return lambda *given: all(part(*given) for part in parts)

    def one(self) -> Condition:
        if self.peek().upper() == "NOT":
            self.next()
            denied = self.one()
            return lambda *given: not denied(*given)
        if self.peek() == "(":
            self.next()
            inner = self.any_of()
            self.next(")")
            return inner
        token = self.next()
        if self.peek() == "(":
            return self.function(token)
        left, sign = _value(token), self.next()
        if sign.upper() == "IN":
            return self.member(left)
        if sign.upper() == "BETWEEN":
            low, _, high = _value(self.next()), self.next("AND"), _value(self.next())
            return lambda *given: (
                _compare("<=", low(*given), left(*given)) and _compare("<=", left(*given), high(*given))
            )
        right = _value(self.next())
        return lambda *given: _compare(sign, left(*given), right(*given))

    def member(self, left: Condition) -> Condition:
        self.next("(")
        options = [_value(self.next())]
        while self.peek() == ",":
            self.next()
            options.append(_value(self.next()))
        self.next(")")
        return lambda *given: any(_compare("=", left(*given), option(*given)) for option in options)

    def function(self, name: str) -> Condition:
        self.next("(")
        subject = _value(self.next())
        other = None
        if self.peek() == ",":
            self.next()
            other = _value(self.next())
        self.next(")")
        match name, other:
            case "attribute_exists", None:
                return lambda *given: subject(*given) is not _MISSING
            case "attribute_not_exists", None:
                return lambda *given: subject(*given) is _MISSING
            case "begins_with", prefix if prefix is not None:
                return lambda *given: (
                    subject(*given) is not _MISSING and str(subject(*given)).startswith(prefix(*given))
                )
        raise NotImplementedError(f"{name}() is not simulated")


def _compare(sign: str, one: Any, other: Any) -> bool:
    if one is _MISSING or other is _MISSING:
        return sign == "<>" and one is not other
    if type(one) is not type(other):
        return sign == "<>"
    return _COMPARISONS[sign](one, other)


def _tokens(text: str) -> list[str]:
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s+", "", text):
        raise NotImplementedError(f"not simulated: {text}")
    return tokens


def _value(token: str) -> Condition:
    def evaluate(item: Item, names: Names, values: Item) -> Any:
        found = values[token] if token.startswith(":") else item.get(names.get(token, token))
        return _MISSING if found is None else _plain(found)

    return evaluate


@lru_cache(maxsize=1_000)
def parse_condition(text: str) -> Condition:
    """Read a condition expression; NotImplementedError where it says what is not simulated."""
    parser = _Parser(text)
    condition = parser.any_of()
    if parser.peek():
        raise NotImplementedError(f"{parser.peek()!r} in {text}")
    return condition


@lru_cache(maxsize=1_000)
def parse_update(text: str) -> Sequence[tuple[str, str, str]]:
    """Read an update expression as verbs, attributes and operands."""
    return tuple(_updates(text))


def _updates(text: str) -> Iterator[tuple[str, str, str]]:
    for verb, terms in re.findall(r"\b(SET|REMOVE|ADD)\s+(.*?)(?=\s*\b(?:SET|REMOVE|ADD)\s|$)", text):
        for term in re.split(r",(?![^(]*\))", terms):
            name, _, operand = re.sub(r"\s*=\s*", " ", term.strip(), count=1).partition(" ")
            yield verb, name, operand.strip()


def _operand(text: str, item: Item, names: Names, values: Item) -> Any:
    if found := re.fullmatch(r"(.+?)\s*([+-])\s*(\S+)", text):
        one, other = (_operand(part, item, names, values) for part in (found[1], found[3]))
        amount = int(other["N"]) * (1 if found[2] == "+" else -1)
        return {"N": str(int(one["N"]) + amount)}
    if found := re.fullmatch(r"if_not_exists\(\s*(\S+?)\s*,\s*(\S+?)\s*\)", text):
        return item.get(names.get(found[1], found[1])) or _operand(found[2], item, names, values)
    return values[text] if text.startswith(":") else item[names.get(text, text)]
