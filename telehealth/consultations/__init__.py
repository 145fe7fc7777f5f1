"""The consultation: Encounter, Room, Participant, admission, chat, timeline."""
