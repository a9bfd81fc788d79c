"""Create a user."""

from collections.abc import Callable
from dataclasses import dataclass

from atelier.accounts.ports import Accounts
from atelier.accounts.users import User, UserRequest, new_user
from atelier.errors import ConflictError, NotPossibleError


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUser:
    """Makes users, one for an address."""

    accounts: Accounts
    clock: Callable[[], int]

    def __call__(self, request: UserRequest) -> User:
        """Return the new user; NotPossibleError where the address has one."""
        user = new_user(
            email=request.email, name=request.name, now=self.clock(), plan=request.plan, credits=request.credits,
            budget_day=request.budget_day, budget_month=request.budget_month,
        )  # fmt: skip
        try:
            self.accounts.add_user(user)
        except ConflictError as exc:
            raise NotPossibleError(f"There is a user with the address {request.email} already.") from exc
        return user
