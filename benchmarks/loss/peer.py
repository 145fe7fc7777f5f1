"""A participant that is a program: real ICE, DTLS and SRTP, invented pictures and sound, and a browser's repair.

It does what a browser's receiver does, no more: asks for lost packets at once and again after each round trip, ten
times at most; reports once a second; asks for a keyframe when it gave up. As a sender it repeats a packet at most once
a round trip (pictures as RTX, RFC 4588), and adds in-band redundancy to sound when told of loss, as Opus does.
"""

import asyncio
import os
import re
import struct
from collections import OrderedDict
from typing import Any

from aioice.stun import Class, Message, Method
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport

from telehealth.rtp import rtcp
from telehealth.rtp.reception import Reception

OPUS, VP8, RTX = 111, 96, 97
AUDIO_S = 0.02
FRAME_S = 1 / 30
KEPT = 1024
MOST_TRIES = 10
NACK_EVERY_S = 0.02
_MARK = struct.Struct("!2sLHHBBd")
"""What VP8 begins with, frame, place in frame, packets of frame, keyframe, redundancy, sent at."""

Address = tuple[str, int]


class _Wire:
    role = "controlling"

    def __init__(self, send: Any) -> None:
        self.records: asyncio.Queue[bytes] = asyncio.Queue()
        self._out = send

    async def _recv(self) -> bytes:
        record = await self.records.get()
        if not record:
            raise ConnectionError
        return record

    async def _send(self, data: bytes) -> None:
        self._out(data)


class Incoming:
    """One received stream: what arrived when, and what to ask for."""

    def __init__(self, ssrc: int, *, video: bool, give_up_s: float) -> None:
        self.ssrc = ssrc
        self.video = video
        self.marks: dict[tuple[int, int], tuple[float, float, int, int, int]] = {}
        self.reception = Reception(ssrc, 90_000 if video else 48_000)
        self.asked = 0
        self.gave_up = False
        self.decoded = -1
        self.decoded_at = self.wished_at = 0.0
        self._here: dict[int, int] = {}
        self._whole: dict[int, int] = {}
        self._give_up_s = give_up_s
        self._highest = -1
        self._gaps: dict[int, list[float]] = {}  # Since when, last asked, tries.

    def packet(self, packet: bytes, payload: int, now: float) -> list[int]:
        """Take a packet; return what to ask for at once."""
        number = packet[2] << 8 | packet[3]
        self.reception.packet(number, int.from_bytes(packet[4:8], "big"), now)
        _, frame, place, count, key, redundancy, sent_at = _MARK.unpack_from(packet, payload)
        if self.marks.setdefault((frame, place), (now, sent_at, count, key, redundancy))[0] == now:
            self._decode(frame, count, key, now)
        ahead = ((number - self._highest + 32768) & 0xFFFF) - 32768 if self._highest >= 0 else 1
        if ahead <= 0:
            self._gaps.pop(number, None)
            return []
        new = [(self._highest + step) & 0xFFFF for step in range(1, ahead)] if self._highest >= 0 else []
        self._highest = number
        for gap in new:
            self._gaps[gap] = [now, now, 1]
        self.asked += len(new)
        return new

    def _decode(self, frame: int, count: int, key: int, now: float) -> None:
        self._here[frame] = self._here.get(frame, 0) + 1
        if self._here[frame] == count:
            self._whole[frame] = key
        if key and frame in self._whole and frame > self.decoded:
            self.decoded, self.decoded_at = frame, now
        while self.decoded >= 0 and self.decoded + 1 in self._whole:
            self.decoded, self.decoded_at = self.decoded + 1, now

    def needs_keyframe(self, now: float) -> bool:
        """Tell whether a browser would ask for one: 200 ms without a first, or three seconds without any picture."""
        patience = 0.2 if self.decoded < 0 else 3.0
        if not self.video or not self.marks or now - max(self.decoded_at, self.wished_at) < patience:
            return False
        self.wished_at = now
        return True

    def due(self, now: float, round_trip_s: float) -> list[int]:
        """Return what to ask for again."""
        found = []
        for number, (since, asked_at, tries) in list(self._gaps.items()):
            if tries >= MOST_TRIES or now - since > self._give_up_s:
                del self._gaps[number]
                self.gave_up = self.gave_up or self.video
            elif now - asked_at >= round_trip_s:
                self._gaps[number][1:] = [now, tries + 1]
                found.append(number)
        return found


class Peer:
    """One participant of one room.

    Args:
        plane: The media plane, in this process or behind the same methods.
        to: Where to send instead of the advertised port: a relay in between, if there is one.
        round_trip_s: Of that path, which a browser would measure.
    """

    def __init__(self, plane: Any, room: Any, name: Any, to: Address, round_trip_s: float) -> None:
        self.plane, self.room, self.name, self.to = plane, room, name, to
        self.round_trip_s = max(0.01, round_trip_s)
        self.incoming: dict[int, Incoming] = {}
        self.connected = asyncio.Event()
        self.audio, self.video, self.rtx = (int.from_bytes(os.urandom(3), "big") * 8 + n + 9 for n in range(3))
        self.keyframes = 0
        self.sent_audio = self.sent_video = self.repeated = 0
        self.told_loss = 0
        self._want_keyframe = True
        self._kept: OrderedDict[tuple[int, int], tuple[bytes, float]] = OrderedDict()
        self._numbers: dict[int, int] = {}
        self._certificate = RTCCertificate.generateCertificate()
        self._wire = _Wire(self._send)
        self._dtls: Any = RTCDtlsTransport(self._wire, [self._certificate])  # type: ignore[arg-type]
        self._dtls._set_role("client")
        self._socket: asyncio.DatagramTransport | None = None
        self._credentials: tuple[str, str] = ("", "")
        self._tasks: list[asyncio.Task[None]] = []
        self._offers: asyncio.Queue[Any] = asyncio.Queue()
        plane.listen(lambda event: self._hear(event))

    def _hear(self, event: Any) -> None:
        if event.participant == self.name and event.encounter == self.room and hasattr(event, "sdp"):
            self._offers.put_nowait(event)

    async def join(self) -> None:
        loop = asyncio.get_running_loop()
        peer = self

        class Receiver(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: Address) -> None:
                peer._received(data)

        self._socket, _ = await loop.create_datagram_endpoint(Receiver, local_addr=("127.0.0.1", 0))
        self._start(self._answer_all())
        await self.plane.open(self.room, self.name)
        await asyncio.wait_for(self.connected.wait(), 20)

    def _start(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._dtls.stop()
        self._wire.records.put_nowait(b"")
        if self._socket is not None:
            self._socket.close()

    def send_media(self) -> None:
        """Begin to speak and show."""
        self._start(self._speak())
        self._start(self._show())
        self._start(self._look_after())

    def quiet(self) -> None:
        """Speak and show no more; go on to listen."""
        for task in self._tasks[-3:-1]:
            task.cancel()

    async def _answer_all(self) -> None:
        while True:
            offer = await self._offers.get()
            sections = offer.sdp.split("m=")[1:]
            read = re.search(r"a=ice-ufrag:(\S+)", offer.sdp), re.search(r"a=ice-pwd:(\S+)", offer.sdp)
            first = self._credentials == ("", "")
            self._credentials = (read[0][1], read[1][1])  # type: ignore[index]
            for section in sections:
                found = re.search(r"a=ssrc:(\d+)", section)
                if found and "a=sendonly" in section:
                    ssrc = int(found[1])
                    video = section.startswith("video")
                    if ssrc not in self.incoming:
                        give_up = 10.0 if video else 0.5
                        self.incoming[ssrc] = Incoming(ssrc, video=video, give_up_s=give_up)
            await self.plane.answer(self.room, self.name, offer.negotiation, self._answer(sections))
            if first:
                fingerprint = re.search(r"a=fingerprint:(\S+) (\S+)", offer.sdp)
                self._start(self._connect(fingerprint[1], fingerprint[2]))  # type: ignore[index]

    def _answer(self, sections: list[str]) -> str:
        fingerprint = self._certificate.getFingerprints()[0]
        text = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        for section in sections:
            lines = section.splitlines()
            own = "a=recvonly" in lines
            text += [f"m={lines[0]}", next(line for line in lines if line.startswith("a=mid:"))]
            text += ["a=sendonly" if own else "a=recvonly" if "a=sendonly" in lines else "a=inactive", "a=rtcp-mux"]
            text += ["a=setup:active", "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx"]
            text.append(f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}")
            if own and section.startswith("audio"):
                text.append(f"a=ssrc:{self.audio} cname:x")
            if own and section.startswith("video"):
                text += [f"a=ssrc-group:FID {self.video} {self.rtx}", f"a=ssrc:{self.video} cname:x"]
        return "\r\n".join(text) + "\r\n"

    async def _connect(self, algorithm: str, digest: str) -> None:
        self._start(self._check_forever())
        await asyncio.sleep(0.05 + 2 * self.round_trip_s)
        await self._dtls.start(RTCDtlsParameters([RTCDtlsFingerprint(algorithm=algorithm, value=digest)]))
        self.connected.set()

    async def _check_forever(self) -> None:
        while True:
            request = Message(Method.BINDING, Class.REQUEST)
            request.attributes["USERNAME"] = f"{self._credentials[0]}:abcd"
            request.attributes["PRIORITY"] = 1
            request.attributes["USE-CANDIDATE"] = None
            request.add_message_integrity(self._credentials[1].encode())
            self._send(bytes(request))
            await asyncio.sleep(1.0 if self.connected.is_set() else 0.2)

    def _send(self, datagram: bytes) -> None:
        if self._socket is not None and not self._socket.is_closing():
            self._socket.sendto(datagram, self.to)

    def _received(self, datagram: bytes) -> None:
        if not datagram:
            return
        now = asyncio.get_running_loop().time()
        first = datagram[0]
        if 20 <= first < 64:
            self._wire.records.put_nowait(datagram)
        elif first < 4:
            self._stun(datagram)
        elif 128 <= first < 192 and self.connected.is_set():
            try:
                if 192 <= datagram[1] <= 223:
                    self._feedback(self._dtls._rx_srtp.unprotect_rtcp(datagram), now)
                else:
                    self._media(self._dtls._rx_srtp.unprotect(datagram), now)
            except Exception:
                pass

    def _stun(self, datagram: bytes) -> None:
        if datagram[:2] != b"\x00\x01":
            return
        answer = Message(Method.BINDING, Class.RESPONSE, transaction_id=datagram[8:20])
        answer.attributes["XOR-MAPPED-ADDRESS"] = self.to
        answer.add_message_integrity(b"abcdefghijklmnopqrstuvwx")
        self._send(bytes(answer))

    def _media(self, packet: bytes, now: float) -> None:
        stream = self.incoming.get(int.from_bytes(packet[8:12], "big"))
        if stream is not None and (asked := stream.packet(packet, 12, now)):
            self._rtcp(rtcp.nack(5, stream.ssrc, asked))

    def _feedback(self, compound: bytes, now: float) -> None:
        for packet in rtcp.parse(compound):
            match packet:
                case rtcp.Nack(ssrc, numbers):
                    for number in numbers:
                        self._repeat(ssrc, number, now)
                case rtcp.KeyframeRequest():
                    self._want_keyframe = True
                case rtcp.ReceiverReport(_, blocks):
                    self.told_loss = max((b.fraction_lost for b in blocks if b.ssrc == self.audio), default=0)

    def _repeat(self, ssrc: int, number: int, now: float) -> None:
        packet, sent_at = self._kept.get((ssrc, number), (b"", 0.0))
        if not packet or now - sent_at < self.round_trip_s:
            return
        self._kept[(ssrc, number)] = (packet, now)
        self.repeated += 1
        if ssrc == self.video:
            head = struct.pack("!BBHLL", 0x80, packet[1] & 0x80 | RTX, self._next(self.rtx), 0, self.rtx)
            packet = head[:4] + packet[4:8] + head[8:] + packet[2:4] + packet[12:]
        self._rtp(packet)

    def _rtcp(self, compound: bytes) -> None:
        self._send(self._dtls._tx_srtp.protect_rtcp(compound))

    def _rtp(self, packet: bytes) -> None:
        self._send(self._dtls._tx_srtp.protect(packet))

    def _next(self, ssrc: int) -> int:
        number = self._numbers.get(ssrc, 0)
        self._numbers[ssrc] = number + 1 & 0xFFFF
        return number

    def _emit(self, ssrc: int, kind: int, timestamp: int, payload: bytes) -> None:
        number = self._next(ssrc)
        packet = struct.pack("!BBHLL", 0x80, kind, number, timestamp & 0xFFFFFFFF, ssrc) + payload
        # Never sent again before a round trip has passed; the first NACK is always answered.
        self._kept[(ssrc, number)] = (packet, 0.0)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self._rtp(packet)

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            mark = _MARK.pack(b"", self.sent_audio, 0, 1, 0, int(self.told_loss > 0), loop.time())
            self._emit(self.audio, OPUS, self.sent_audio * 960, mark + bytes(60))
            self.sent_audio += 1
            await asyncio.sleep(begun + self.sent_audio * AUDIO_S - loop.time())

    async def _show(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            key, self._want_keyframe = self._want_keyframe, False
            self.keyframes += key
            count = 12 if key else 3
            for place in range(count):
                # The server looks where a keyframe begins (RFC 7741 §4.2, §4.3).
                vp8 = bytes([0x10 if place == 0 else 0, 0 if key else 1])
                mark = _MARK.pack(vp8, self.sent_video, place, count, int(key), 0, loop.time())
                kind = VP8 | (0x80 if place == count - 1 else 0)
                self._emit(self.video, kind, self.sent_video * 3000, mark + bytes(798))
            self.sent_video += 1
            await asyncio.sleep(begun + self.sent_video * FRAME_S - loop.time())

    async def _look_after(self) -> None:
        loop = asyncio.get_running_loop()
        reported = loop.time()
        while True:
            await asyncio.sleep(NACK_EVERY_S)
            now = loop.time()
            for stream in list(self.incoming.values()):
                if again := stream.due(now, self.round_trip_s):
                    self._rtcp(rtcp.nack(5, stream.ssrc, again))
                if stream.gave_up or stream.needs_keyframe(now):
                    stream.gave_up = False
                    self._rtcp(rtcp.picture_loss(5, stream.ssrc))
            if now - reported >= 1.0:
                reported = now
                blocks = [b for s in self.incoming.values() if (b := s.reception.report(now))]
                self._rtcp(rtcp.receiver_report(5, blocks))
