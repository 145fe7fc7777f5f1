"""Pairs of tokens: given at sign-in, changed for the next at each refresh, ended by reuse (RFC 9700 §4.14.2)."""

import logging
from datetime import timedelta
from typing import NoReturn

from telehealth.accounts.model import RefreshToken, TokenPair
from telehealth.accounts.ports import AccountPorts
from telehealth.accounts.secrets import TOKEN_BYTES, digest, new_secret, presentable
from telehealth.accounts.standing import Standing, Standings
from telehealth.accounts.tokens import AccessClaims, Tokens
from telehealth.errors import Unauthenticated
from telehealth.ids import InvitationId, TokenId

logger = logging.getLogger(__name__)

USER_LIFE = timedelta(days=7)
GUEST_LIFE = timedelta(hours=12)


class SignIns:
    """Gives, renews and ends pairs of tokens."""

    def __init__(self, ports: AccountPorts, tokens: Tokens, standings: Standings) -> None:
        self._ports = ports
        self._tokens = tokens
        self._standings = standings

    async def begin(self, standing: Standing) -> TokenPair:
        """Return the first pair of a new family."""
        return await self._pair(standing, TokenId(self._ports.new_id()))

    async def refresh(self, secret: str) -> TokenPair:
        """Return the next pair. Of many who present one secret at once, one gets it, and the family ends.

        Raises:
            Unauthenticated: Unknown, expired or revoked; `refresh_reused` if it had been used.
        """
        used = await self._find(secret)
        now = self._ports.clock.now()
        if used is None or used.revoked_at is not None or now >= used.expires_at:
            _refuse()
        if used.used_at is not None or not await self._ports.refresh_tokens.use(used.id, now):
            await self._ports.refresh_tokens.revoke_family(used.family, now)
            logger.warning("refresh token of %s was used again: its family ends", used.subject)
            raise Unauthenticated("This sign-in was used elsewhere and has ended.", code="refresh_reused")
        standing = await self._standings.of(used.subject, fresh=True)
        if standing is None:
            _refuse()
        pair = await self._pair(standing, used.family)
        # Whoever reused the token meanwhile ended the family before the new pair was in it.
        after = await self._find(secret)
        if after is None or after.revoked_at is not None:
            await self._ports.refresh_tokens.revoke_family(used.family, now)
        return pair

    async def end(self, secret: str) -> str | None:
        """End the family of the secret and return whose it was; None if it is nobody's."""
        token = await self._find(secret)
        if token is None:
            return None
        await self._ports.refresh_tokens.revoke_family(token.family, self._ports.clock.now())
        return token.subject

    async def _find(self, secret: str) -> RefreshToken | None:
        return await self._ports.refresh_tokens.by_hash(digest(secret)) if presentable(secret) else None

    async def _pair(self, standing: Standing, family: TokenId) -> TokenPair:
        principal, now = standing.principal, self._ports.clock.now()
        refresh_until, access_until = now + USER_LIFE, None
        if principal.encounter is not None:
            invitation = await self._ports.invitations.get(InvitationId(principal.subject))
            access_until = invitation.expires_at
            refresh_until = min(now + GUEST_LIFE, access_until)
        claims = AccessClaims(
            principal.subject, principal.role, principal.patient, principal.encounter, epoch=standing.epoch
        )
        access, access_expires_at = await self._tokens.access(claims, until=access_until)
        secret = new_secret(TOKEN_BYTES)
        token = RefreshToken(
            id=TokenId(self._ports.new_id()),
            family=family,
            subject=principal.subject,
            is_invitation=principal.encounter is not None,
            secret_hash=digest(secret),
            issued_at=now,
            expires_at=refresh_until,
        )
        await self._ports.refresh_tokens.add(token)
        return TokenPair(access, secret, access_expires_at, refresh_until)


def _refuse() -> NoReturn:
    raise Unauthenticated("Please sign in.")
