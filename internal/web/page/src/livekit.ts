// LiveKit has no meeting page; this one uses https://docs.livekit.io/client-sdk-js
import { ConnectionState, DisconnectReason, Room, RoomEvent, Track, type Participant, type TrackPublication } from "livekit-client";
import { button, element, type Join } from "./component";

export const join: Join = (place, entry, on) => {
  const room = new Room({ adaptiveStream: true, dynacast: true, stopLocalTrackOnUnpublish: true });
  const tiles = element("div", { class: "tiles", role: "list", "aria-label": "People", tabindex: "0" });
  const note = element("p");
  const top = element("div", { class: "bar top" }, note);
  top.hidden = true;
  const panel = element("div", { class: "panel", id: "devices" });
  panel.hidden = true;
  const ui = element("div", { class: "room" }, top, tiles, panel);
  let over = false;

  const end = (report: () => void) => {
    if (over) return;
    over = true;
    sizes.disconnect();
    ui.remove();
    void room.disconnect().finally(report);
  };
  const say = (text: string) => {
    note.textContent = text;
    top.hidden = text === "";
    if (text) on.news(text);
  };

  // One tile for each person, and one for each screen that is shared.
  const shown = new Map<string, HTMLElement>();
  const nameOf = (p: Participant) => (p.name || "Guest") + (p === room.localParticipant ? " (you)" : "");
  const draw = () => {
    const wanted = new Map<string, { p: Participant; screen: boolean; publication: TrackPublication | undefined }>();
    for (const p of [room.localParticipant, ...room.remoteParticipants.values()]) {
      const screen = p.getTrackPublication(Track.Source.ScreenShare);
      const id = p === room.localParticipant ? "me" : p.sid; // which has no sid before it is connected
      if (screen?.track) wanted.set(id + " screen", { p, screen: true, publication: screen });
      wanted.set(id, { p, screen: false, publication: p.getTrackPublication(Track.Source.Camera) });
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
        tile = element("div", { class: "tile", role: "listitem" }, element("span", { class: "letter", "aria-hidden": "true" }), 
          element("span", { class: "who" }, element("span", { class: "name" }), element("span", { class: "silent" }, " · microphone off")));
        shown.set(id, tile);
        if (screen) tiles.prepend(tile);
        else tiles.append(tile);
      }
      const name = nameOf(p);
      const microphone = p.getTrackPublication(Track.Source.Microphone);
      const silent = !screen && (!microphone || microphone.isMuted);
      tile.querySelector(".name")!.textContent = name + (screen ? ": screen" : "");
      tile.querySelector<HTMLElement>(".silent")!.hidden = !silent;
      tile.querySelector(".letter")!.textContent = (/[\p{L}\p{N}]/u.exec(name)?.[0] ?? [...name][0] ?? "").toUpperCase();
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
  // Tiles are as close to 4:3 as the space allows. Screens are above people, and get most of it.
  const layOut = () => {
    const style = getComputedStyle(tiles), gap = parseFloat(style.columnGap);
    const width = tiles.clientWidth - 2 * gap, height = tiles.clientHeight - 2 * gap;
    const fill = (list: HTMLElement[], high: number, least: number) => {
      const n = list.length;
      let columns = 1;
      for (let best = Infinity, c = 1; c <= n; c++) {
        const off = Math.abs(Math.log((width / c) * Math.ceil(n / c) / high / (4 / 3)));
        if (off < best) [best, columns] = [off, c];
      }
      if (width < 600) columns = Math.min(columns, 2);
      const rows = Math.ceil(n / columns);
      for (const tile of list) {
        const h = Math.floor(Math.max((high - (rows - 1) * gap) / rows, least)), w = Math.floor((width - (columns - 1) * gap) / columns);
        tile.style.height = h + "px";
        tile.style.width = (list === people && rows === 1 ? Math.min(w, Math.floor((h * 16) / 9)) : w) + "px";
      }
    };
    const all = [...shown.values()], screens = all.filter((t) => t.classList.contains("screen")), people = all.filter((t) => !screens.includes(t));
    const least = 6 * parseFloat(getComputedStyle(document.documentElement).fontSize);
    const above = screens.length === 0 ? 0 : people.length === 0 ? height : Math.max(height * 0.72, least);
    fill(screens, above, least);
    fill(people, height - above - (above && gap), least);
  };
  const sizes = new ResizeObserver(layOut);

  const failed = (what: string) => (e: unknown) => {
    const why = e instanceof Error ? e.name : "";
    say(!isSecureContext ? "The browser allows the microphone and camera only on https pages. Ask the host for an https address."
      : why === "NotAllowedError" ? `The browser doesn't allow the ${what}. Allow it in the address bar, then try again.`
      : why === "NotFoundError" ? `No ${what} found. You can take part without it.` : `The ${what} can't be used (${why || "unknown reason"}).`);
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
  const fold = (hide: boolean) => {
    panel.hidden = hide;
    devices.setAttribute("aria-expanded", String(!hide));
  };
  const devices = button("Devices", () => {
    fold(!panel.hidden);
    if (!panel.hidden) choose().then(() => panel.querySelector("select")?.focus(), failed("list of devices"));
  });
  panel.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    fold(true);
    devices.focus();
  });
  devices.setAttribute("aria-expanded", "false");
  devices.setAttribute("aria-controls", "devices");
  const leave = button("Leave", () => end(() => on.left()), "leave");
  const controls = () => {
    for (const [b, is, name] of [
      [microphone, me.isMicrophoneEnabled, "Microphone"], [camera, me.isCameraEnabled, "Camera"], [screen, me.isScreenShareEnabled, "Screen"],
    ] as const) {
      b.textContent = name + (is ? ": on" : ": off");
      b.classList.toggle("off", !is && b !== screen && !b.disabled);
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
      panel.append(element("div", {}, element("label", { for: select.id }, name), select));
    }
    if (!panel.hasChildNodes()) panel.append(element("p", {}, "No devices were found."));
  };
  ui.append(element("div", { class: "bar", role: "group", "aria-label": "Controls" }, microphone, camera, screen, devices, leave));

  room.on(RoomEvent.TrackSubscribed, (track) => {
    if (track.kind === Track.Kind.Audio) ui.append(track.attach());
    draw();
  });
  room.on(RoomEvent.TrackUnsubscribed, (track) => {
    for (const e of track.detach()) e.remove();
    draw();
  });
  room.on(RoomEvent.ParticipantConnected, (p) => on.news(nameOf(p) + " joined")).on(RoomEvent.ParticipantDisconnected, (p) => on.news(nameOf(p) + " left"));
  room.on(RoomEvent.TrackPublished, (t, p) => {
    if (t.source === Track.Source.ScreenShare) on.news(nameOf(p) + " is sharing a screen");
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
    say("The browser has blocked the sound. ");
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
  sizes.observe(tiles);
  for (const b of [microphone, camera, screen, devices]) b.disabled = true;
  controls();
  say("Connecting…");
  room.connect(entry.url, entry.access ?? "").then(() => {
    say("");
    for (const b of [microphone, camera, screen, devices]) b.disabled = false;
    on.joined();
    controls();
    // Each alone: a missing camera must not silence the microphone.
    return me.setMicrophoneEnabled(true).catch(failed("microphone")).then(() => me.setCameraEnabled(true)).then(controls, failed("camera"));
  }).catch((e: unknown) => end(() => on.failed("The meeting's server can't be reached" + (e instanceof Error ? ": " + e.message : "") + ".")));
  return () => end(() => undefined);
};
