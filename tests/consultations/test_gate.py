from telehealth.consultations.effects import CloseCode
from telehealth.consultations.gate import BAD_MESSAGES, BURST, Gate
from telehealth.consultations.messages import Leave, Refusal

LEAVE = '{"type": "leave"}'


def test_forty_messages_at_once_are_taken_and_then_ten_a_second() -> None:
    gate = Gate(now=0.0)
    assert [gate.judge(LEAVE, 0.0) for _ in range(BURST)] == [Leave()] * BURST
    assert gate.judge(LEAVE, 0.0) is CloseCode.TOO_MANY
    assert [gate.judge(LEAVE, 1.0) for _ in range(10)] == [Leave()] * 10
    assert gate.judge(LEAVE, 1.0) is CloseCode.TOO_MANY


def test_the_third_message_that_is_not_understood_ends_the_connection() -> None:
    gate = Gate(now=0.0)
    for _ in range(BAD_MESSAGES - 1):
        answer = gate.judge("{", 0.0)
        assert isinstance(answer, Refusal)
        assert answer.code == "bad_message"
    assert gate.judge(LEAVE, 0.0) == Leave()
    assert gate.judge("{", 0.0) is CloseCode.BAD_MESSAGES
