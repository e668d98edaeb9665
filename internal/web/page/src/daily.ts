// Daily's own frame: https://docs.daily.co/reference/daily-js
import DailyIframe from "@daily-co/daily-js";
import { element, type Join } from "./component";

export const join: Join = (place, entry, on) => {
  const frame = element("div", { class: "frame" });
  place.append(frame);
  const call = DailyIframe.createFrame(frame, {
    showLeaveButton: true, showFullscreenButton: true, iframeStyle: { width: "100%", height: "100%", border: "0" },
  });
  call.iframe()?.setAttribute("title", "Meeting " + entry.room);
  let over = false;
  const end = (report: () => void) => {
    if (over) return;
    over = true;
    void call.destroy().finally(() => {
      frame.remove();
      report();
    });
  };
  call.on("joined-meeting", () => on.joined());
  call.on("left-meeting", () => end(() => on.left()));
  call.on("error", (e) => end(() => {
    const type = e?.error?.type;
    if (type === "ejected") on.left("removed");
    else if (type === "exp-room" || type === "exp-token" || type === "no-room") on.left("ended");
    else on.failed(e?.errorMsg ?? "Daily reported an error");
  }));
  call.join({ url: entry.url, userName: entry.name, ...(entry.access ? { token: entry.access } : {}) })
    .catch((e: { errorMsg?: string }) => end(() => on.failed(e?.errorMsg ?? "Daily could not open the meeting")));
  return () => end(() => undefined);
};
