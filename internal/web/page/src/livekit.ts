// LiveKit has no page of its own: this is ours, on https://docs.livekit.io/client-sdk-js
import { ConnectionState, DisconnectReason, Room, RoomEvent, Track, type Participant, type TrackPublication } from "livekit-client";
import { button, element, type Join } from "./component";

export const join: Join = (place, entry, on) => {
  const room = new Room({ adaptiveStream: true, dynacast: true, stopLocalTrackOnUnpublish: true });
  const tiles = element("div", { class: "tiles", role: "list", "aria-label": "People", tabindex: "0" });
  const note = element("p", { role: "status" });
  const top = element("div", { class: "bar top" }, note);
  top.hidden = true;
  const panel = element("div", { class: "panel", id: "devices" });
  panel.hidden = true;
  const ui = element("div", { class: "room" }, top, tiles, panel);
  let over = false;

  const end = (report: () => void) => {
    if (over) return;
    over = true;
    removeEventListener("resize", layOut);
    ui.remove();
    void room.disconnect().finally(report);
  };
  const say = (text: string) => {
    note.textContent = text;
    top.hidden = text === "";
  };

  // One tile for each person, and one for each screen that is shared.
  const shown = new Map<string, HTMLElement>();
  const nameOf = (p: Participant) => (p.name || "Guest") + (p === room.localParticipant ? " (you)" : "");
  const draw = () => {
    const wanted = new Map<string, { p: Participant; screen: boolean; publication: TrackPublication | undefined }>();
    for (const p of [room.localParticipant, ...room.remoteParticipants.values()]) {
      const screen = p.getTrackPublication(Track.Source.ScreenShare);
      if (screen?.track) wanted.set(p.sid + " screen", { p, screen: true, publication: screen });
      wanted.set(p.sid, { p, screen: false, publication: p.getTrackPublication(Track.Source.Camera) });
    }
    for (const [id, tile] of shown) {
      if (!wanted.has(id)) {
        tile.remove();
        shown.delete(id);
      }
    }
    for (const [id, { p, screen, publication }] of wanted) {
      let tile = shown.get(id);
      if (!tile) {
        tile = element("div", { class: "tile", role: "listitem" }, element("span", { class: "letter", "aria-hidden": "true" }), element("span", { class: "who" }));
        shown.set(id, tile);
        if (screen) tiles.prepend(tile);
        else tiles.append(tile);
      }
      const name = nameOf(p);
      const microphone = p.getTrackPublication(Track.Source.Microphone);
      const silent = !screen && (!microphone || microphone.isMuted);
      tile.querySelector(".who")!.textContent = name + (screen ? ": screen" : silent ? " · microphone off" : "");
      tile.querySelector(".letter")!.textContent = [...name][0]?.toUpperCase() ?? "";
      tile.classList.toggle("screen", screen);
      tile.classList.toggle("mine", p === room.localParticipant);
      tile.classList.toggle("speaking", !screen && p.isSpeaking);
      const track = publication && !publication.isMuted ? publication.videoTrack : undefined;
      const had = tile.querySelector("video");
      if (had && (!track || had.srcObject === null || had.dataset["track"] !== track.sid)) had.remove();
      if (track && !tile.querySelector("video")) {
        const video = track.attach() as HTMLVideoElement;
        video.dataset["track"] = track.sid ?? "";
        video.setAttribute("aria-label", (screen ? "Screen of " : "Video of ") + name);
        video.muted = true;
        tile.prepend(video);
      }
    }
    layOut();
  };
  const layOut = () => {
    const n = Math.max(shown.size, 1);
    const wide = tiles.clientWidth / Math.max(tiles.clientHeight, 1);
    let columns = 1;
    for (let best = Infinity, c = 1; c <= n; c++) {
      const off = Math.abs(Math.log((wide / c) * Math.ceil(n / c) / (4 / 3)));
      if (off < best) [best, columns] = [off, c];
    }
    if (tiles.clientWidth < 600) columns = Math.min(columns, 2);
    tiles.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  };

  const failed = (what: string) => (e: unknown) => {
    const why = e instanceof Error ? e.name : "";
    say(why === "NotAllowedError" ? `The browser doesn't allow the ${what}. Allow it in the address bar, then try again.`
      : why === "NotFoundError" ? `There is no ${what}. Others see and hear you without it.` : `The ${what} can't be used (${why || "unknown reason"}).`);
    controls();
  };
  const me = room.localParticipant;
  const toggle = (what: string, set: () => Promise<unknown>) => button("", () => {
    say("");
    set().then(controls, failed(what));
  });
  const microphone = toggle("microphone", () => me.setMicrophoneEnabled(!me.isMicrophoneEnabled));
  const camera = toggle("camera", () => me.setCameraEnabled(!me.isCameraEnabled));
  const screen = toggle("screen", () => me.setScreenShareEnabled(!me.isScreenShareEnabled));
  const devices = button("Devices", () => {
    panel.hidden = !panel.hidden;
    devices.setAttribute("aria-expanded", String(!panel.hidden));
    if (!panel.hidden) void choose().catch(failed("list of devices"));
  });
  devices.setAttribute("aria-expanded", "false");
  devices.setAttribute("aria-controls", "devices");
  const leave = button("Leave", () => end(() => on.left()), "main");
  const controls = () => {
    for (const [b, is, name] of [
      [microphone, me.isMicrophoneEnabled, "Microphone"], [camera, me.isCameraEnabled, "Camera"], [screen, me.isScreenShareEnabled, "Screen"],
    ] as const) {
      b.textContent = name + (is ? ": on" : ": off");
      b.setAttribute("aria-pressed", String(is));
    }
    screen.hidden = !navigator.mediaDevices?.getDisplayMedia;
    draw();
  };
  const choose = async () => {
    panel.replaceChildren();
    for (const [kind, name] of [["audioinput", "Microphone"], ["videoinput", "Camera"], ["audiooutput", "Speaker"]] as const) {
      const found = (await Room.getLocalDevices(kind, false)).filter((d) => d.deviceId !== "");
      if (found.length === 0) continue;
      const select = element("select", { id: "device-" + kind });
      const now = room.getActiveDevice(kind);
      for (const d of found) {
        const o = element("option", { value: d.deviceId }, d.label || name);
        o.selected = d.deviceId === now;
        select.append(o);
      }
      select.addEventListener("change", () => void room.switchActiveDevice(kind, select.value).catch(failed(name.toLowerCase())));
      panel.append(element("label", { for: select.id }, name), select);
    }
    if (!panel.hasChildNodes()) panel.append(element("p", {}, "No devices were found."));
  };
  ui.append(element("div", { class: "bar", role: "toolbar", "aria-label": "Meeting" }, microphone, camera, screen, devices, leave));

  room.on(RoomEvent.TrackSubscribed, (track) => {
    if (track.kind === Track.Kind.Audio) ui.append(track.attach());
    draw();
  });
  room.on(RoomEvent.TrackUnsubscribed, (track) => {
    for (const e of track.detach()) e.remove();
    draw();
  });
  for (const e of [
    RoomEvent.ParticipantConnected, RoomEvent.ParticipantDisconnected, RoomEvent.TrackMuted, RoomEvent.TrackUnmuted, RoomEvent.ActiveSpeakersChanged,
    RoomEvent.ParticipantNameChanged, RoomEvent.TrackPublished, RoomEvent.TrackUnpublished,
  ] as const) room.on(e, draw);
  room.on(RoomEvent.LocalTrackPublished, controls).on(RoomEvent.LocalTrackUnpublished, controls);
  room.on(RoomEvent.ConnectionStateChanged, (state) => {
    if (state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting) say("The connection was lost. Reconnecting…");
    else if (state === ConnectionState.Connected) say("");
  });
  room.on(RoomEvent.AudioPlaybackStatusChanged, () => {
    if (room.canPlaybackAudio) return say("");
    say("The browser keeps the sound off. ");
    note.append(button("Turn the sound on", () => void room.startAudio()));
  });
  room.on(RoomEvent.Disconnected, (reason) => end(() => {
    switch (reason) {
      case DisconnectReason.PARTICIPANT_REMOVED: return on.left("removed");
      case DisconnectReason.ROOM_DELETED: case DisconnectReason.ROOM_CLOSED: return on.left("ended");
      case DisconnectReason.DUPLICATE_IDENTITY: return on.left("moved");
      default: return on.failed("The connection to the meeting was lost.");
    }
  }));

  place.append(ui);
  addEventListener("resize", layOut);
  room.connect(entry.url, entry.access ?? "").then(() => {
    on.joined();
    controls();
    // Each alone: a missing camera must not silence the microphone.
    return me.setMicrophoneEnabled(true).catch(failed("microphone")).then(() => me.setCameraEnabled(true)).then(controls, failed("camera"));
  }).catch((e: unknown) => end(() => on.failed("The meeting's server can't be reached" + (e instanceof Error ? ": " + e.message : "") + ".")));
  return () => end(() => undefined);
};
