"""Sealed columns: what opens where, under which key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.errors import Invalid
from telehealth.storage.cipher import FieldCipher, Undecipherable

OLD, NEW = b"\x01" * 32, b"\x02" * 32
CIPHER = FieldCipher({"k1": OLD}, "k1")
NAME = CIPHER.column("users", "name")


@given(st.text(), st.text(max_size=40))
def test_what_is_sealed_opens_in_its_place(text: str, row: str) -> None:
    assert NAME.open(row, NAME.seal(row, text)) == text


@given(st.binary())
def test_arbitrary_bytes_never_open_and_never_break_anything(stored: bytes) -> None:
    with pytest.raises(Undecipherable):
        NAME.open("u1", stored)


def test_a_value_moved_to_another_row_column_or_table_does_not_open() -> None:
    sealed = NAME.seal("u1", "Ana Ruiz")
    with pytest.raises(Undecipherable):
        NAME.open("u2", sealed)
    with pytest.raises(Undecipherable):
        CIPHER.column("users", "email").open("u1", sealed)
    with pytest.raises(Undecipherable):
        CIPHER.column("patients", "name").open("u1", sealed)


def test_a_value_of_one_group_does_not_open_in_another() -> None:
    body = CIPHER.column("vital_frames", "body")
    sealed = body.seal_bytes("d/b/1/1", b"frame", group="e1")
    assert body.open_bytes("d/b/1/1", sealed, group="e1") == b"frame"
    with pytest.raises(Undecipherable):
        body.open_bytes("d/b/1/1", sealed, group="e2")


@pytest.mark.parametrize("position", range(len(NAME.seal("u1", "Ana"))))
def test_a_changed_byte_anywhere_is_noticed(position: int) -> None:
    sealed = bytearray(NAME.seal("u1", "Ana"))
    sealed[position] ^= 1
    with pytest.raises(Undecipherable):
        NAME.open("u1", bytes(sealed))


def test_the_same_text_never_looks_the_same() -> None:
    assert len({NAME.seal("u1", "Ana") for _ in range(100)}) == 100


def test_the_form_is_version_key_id_nonce_and_ciphertext() -> None:
    sealed = NAME.seal("u1", "Ana")
    assert sealed[:4] == b"\x01\x02k1"
    assert len(sealed) == 4 + 12 + 3 + 16


def test_values_of_an_old_key_open_after_a_rotation_and_new_ones_carry_the_new_key() -> None:
    sealed = NAME.seal("u1", "Ana")
    rotated = FieldCipher({"k1": OLD, "k2": NEW}, "k2").column("users", "name")
    assert rotated.open("u1", sealed) == "Ana"
    assert rotated.seal("u1", "Ana")[2:4] == b"k2"
    with pytest.raises(Undecipherable):
        FieldCipher({"k2": NEW}, "k2").column("users", "name").open("u1", sealed)


def test_a_blind_index_is_stable_under_a_key_and_found_after_a_rotation() -> None:
    index = CIPHER.blind_index("ana@clinic.example")
    assert index == CIPHER.blind_index("ana@clinic.example") != CIPHER.blind_index("bo@clinic.example")
    assert index in FieldCipher({"k1": OLD, "k2": NEW}, "k2").blind_indexes("ana@clinic.example")
    assert FieldCipher({"k1": NEW}, "k1").blind_index("ana@clinic.example") != index


@pytest.mark.parametrize(
    ("keys", "current"),
    [
        ({"k1": OLD}, "k2"),
        ({"k1": b"short"}, "k1"),
        ({"": OLD}, ""),
        ({"k" * 33: OLD}, "k" * 33),
        ({"ö": OLD}, "ö"),
        ({f"k{number}": OLD for number in range(17)}, "k1"),
    ],
)
def test_unusable_keys_are_refused(keys: dict[str, bytes], current: str) -> None:
    with pytest.raises(Invalid):
        FieldCipher(keys, current)


def test_keys_that_are_derived_for_groups_are_forgotten_beyond_a_limit() -> None:
    body = CIPHER.column("vital_frames", "body")
    first = body.seal_bytes("r", b"x", group="g0")
    for number in range(1100):
        body.seal_bytes("r", b"x", group=f"g{number}")
    assert CIPHER._aead.cache_info().currsize == 1024
    assert body.open_bytes("r", first, group="g0") == b"x"
