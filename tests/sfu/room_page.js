/**
 * The least browser side of docs/media.md: one connection, the server offers, the browser answers.
 * What it sees is kept on `window.room` for the test to read.
 */
const participant = new URLSearchParams(location.search).get("participant");
const room = {
  participant,
  local: /** @type {Record<string, MediaStreamTrack>} */ ({}),
  remote: /** @type {Record<string, HTMLVideoElement>} */ ({}),
  tracks: [],
  states: [],
  firstFrame: null,
  started: 0,
  peer: null,
  transport: "",
  errors: [],
};
window.room = room;
let socket;
let answering = Promise.resolve();

/** Another ICE user fragment means another transport: it takes a connection of its own. */
function peerFor(sdp) {
  const transport = /^a=ice-ufrag:(\S+)/m.exec(sdp)[1];
  if (transport === room.transport) return room.peer;
  const old = room.peer;
  room.transport = transport;
  room.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  room.peer.addEventListener("connectionstatechange", () => {
    if (room.peer.connectionState === "connected") old?.close();
  });
  return room.peer;
}

function show(key, track) {
  if (room.remote[key]?.srcObject?.getTracks()[0] === track) return;
  const video = room.remote[key] ?? document.createElement("video");
  room.remote[key] = video;
  video.autoplay = video.muted = video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  document.body.append(video);
  // Chromium pauses muted autoplay outside the viewport; an explicit play() goes on.
  video.play().catch(() => undefined);
  if (track.kind === "video") {
    video.requestVideoFrameCallback(() => {
      room.firstFrame ??= performance.now() - room.started;
    });
  }
}

async function makeSmall(sender) {
  const parameters = sender.getParameters();
  Object.assign(parameters.encodings[0], { scaleResolutionDownBy: 2, maxBitrate: 150_000, maxFramerate: 15 });
  await sender.setParameters(parameters);
}

async function answer({ negotiation, sdp, tracks }) {
  const peer = peerFor(sdp);
  await peer.setRemoteDescription({ type: "offer", sdp });
  room.tracks = tracks;
  const byMid = new Map(tracks.map((track) => [track.mid, track]));
  const seen = new Set();
  for (const transceiver of peer.getTransceivers()) {
    const track = byMid.get(transceiver.mid);
    if (track === undefined) continue;
    if (track.participant === participant) {
      const mine = room.local[track.source] ?? null;
      transceiver.direction = mine === null ? "inactive" : "sendonly";
      await transceiver.sender.replaceTrack(mine);
      if (track.layer === "small" && mine !== null) await makeSmall(transceiver.sender);
    } else {
      transceiver.direction = "recvonly";
      const key = `${track.participant}/${track.source}`;
      seen.add(key);
      show(key, transceiver.receiver.track);
    }
  }
  for (const key of Object.keys(room.remote)) {
    if (seen.has(key)) continue;
    room.remote[key].remove();
    delete room.remote[key];
  }
  // Chromium asks for lost sound too, if it is told so.
  const written = (await peer.createAnswer()).sdp.replace(/^(a=rtpmap:111 opus.*)$/gm, "$1\r\na=rtcp-fb:111 nack");
  await peer.setLocalDescription({ type: "answer", sdp: written });
  socket.send(JSON.stringify({ negotiation, sdp: peer.localDescription.sdp }));
}

room.audioPackets = async () => {
  let packets = 0;
  for (const report of (await room.peer.getStats()).values()) {
    if (report.type === "inbound-rtp" && report.kind === "audio") packets += report.packetsReceived;
  }
  return packets;
};
room.frames = (key) => room.remote[key]?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
room.share = () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  document.body.append(canvas);
  const context = canvas.getContext("2d");
  let count = 0;
  setInterval(() => {
    context.fillStyle = `hsl(${(count += 7) % 360} 80% 50%)`;
    context.fillRect(0, 0, 320, 240);
  }, 50);
  room.local.screen = canvas.captureStream(20).getVideoTracks()[0];
  socket.send(JSON.stringify({ publish: "screen" }));
};
room.unshare = () => {
  delete room.local.screen;
  socket.send(JSON.stringify({ unpublish: "screen" }));
};
room.mute = () => socket.send(JSON.stringify({ unpublish: "camera" }));
room.unmute = () => socket.send(JSON.stringify({ publish: "camera" }));
room.reopen = () => socket.send(JSON.stringify({ open: true }));
room.join = async () => {
  room.started = performance.now();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  [room.local.microphone] = stream.getAudioTracks();
  [room.local.camera] = stream.getVideoTracks();
  room.started = performance.now();
  socket = new WebSocket(`ws://${location.host}/ws?participant=${participant}`);
  socket.onopen = () => socket.send(JSON.stringify({ open: true }));
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.state) room.states.push(message.state);
    else answering = answering.then(() => answer(message)).catch((error) => room.errors.push(String(error)));
  };
};
