"""Accounts as JSON documents."""

from typing import TYPE_CHECKING, Any

from atelier.encoding import timestamp

if TYPE_CHECKING:
    from atelier.accounts.users import User


def describe_account(user: "User") -> dict[str, Any]:
    """Make the contract's document of whose key it is; credits are null where what it makes is not counted."""
    return {
        "id": user.id,
        "email": user.email,
        "credits": user.credits,
        "plan": user.plan,
        "createdAt": timestamp(user.created_at),
    }
