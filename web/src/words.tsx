// The status words, each with a sign and a tone, so that none is told by its colour alone; times and
// other small texts.
import { useEffect, useState } from "preact/hooks";

type Tone = "good" | "bad" | "gone" | "drift" | "work" | "idle";

const SIGNS: Record<string, [sign: string, tone: Tone]> = {
  Converged: ["✓", "good"], Synced: ["✓", "good"], Healthy: ["✓", "good"], Connected: ["✓", "good"],
  Rendered: ["✓", "good"], Ready: ["✓", "good"], True: ["✓", "good"], Enrolled: ["✓", "good"],
  Degraded: ["✕", "bad"], Failed: ["✕", "bad"], Failing: ["✕", "bad"], Missing: ["∅", "bad"], Error: ["✕", "bad"],
  Frozen: ["■", "bad"], Warning: ["!", "drift"], False: ["✕", "bad"],
  Offline: ["◌", "gone"], Stale: ["◔", "gone"],
  Drifted: ["≠", "drift"], OutOfSync: ["△", "drift"], Held: ["■", "drift"],
  Progressing: ["▸", "work"], Pending: ["…", "work"],
  Alike: ["✓", "good"], Changed: ["≠", "drift"], Behind: ["△", "drift"], Staged: ["▸", "work"],
  Done: ["✓", "good"], Unchanged: ["✓", "good"], Refused: ["✕", "bad"], Damaged: ["✕", "bad"], Noted: ["·", "idle"],
  Complete: ["✓", "good"], Passed: ["✓", "good"], Open: ["▸", "work"], Paused: ["‖", "drift"], Aborted: ["✕", "bad"],
  RolledBack: ["↶", "bad"], Queued: ["…", "work"],
  Deleted: ["−", "bad"], Added: ["+", "good"], Moved: ["→", "idle"], Left: ["=", "idle"],
  Suspended: ["‖", "idle"], Declared: ["○", "idle"], Revoked: ["⊘", "idle"], Superseded: ["·", "idle"],
  Normal: ["·", "idle"], Unknown: ["?", "idle"],
};

const LABELS: Record<string, string> = { OutOfSync: "Out of sync", RolledBack: "Rolled back" };

export function signOf(state: string): string { return (SIGNS[state] ?? ["?"])[0]; }
export function toneOf(state: string): Tone { return (SIGNS[state] ?? ["?", "idle"])[1] as Tone; }
export function labelOf(state: string): string { return LABELS[state] ?? state; }

export function State({ word }: { word: string }) {
  return (
    <span class={`state t-${toneOf(word)}`}>
      <span class="sign" aria-hidden="true">{signOf(word)}</span>{labelOf(word)}
    </span>
  );
}

// ---------------------------------------------------------------- times

const UNITS: [limit: number, size: number, name: string][] = [
  [60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"],
];

export function ageOf(time: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  if (seconds < 5) return "now";
  for (const [limit, size, name] of UNITS) {
    if (seconds < limit) return `${Math.floor(seconds / size)} ${name} ago`;
  }
  return time;
}

// Ages of the whole page move together, twice a minute.
const tickers = new Set<(now: number) => void>();
setInterval(() => { for (const tick of tickers) tick(Date.now()); }, 10_000);

export function Ago({ time, none = "never" }: { time: string | null | undefined; none?: string }) {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    tickers.add(set);
    return () => { tickers.delete(set); };
  }, []);
  if (!time) return <span class="faint">{none}</span>;
  const at = new Date(time);
  const ahead = at.getTime() > now + 5000;
  return (
    <time dateTime={time} title={at.toLocaleString()}>
      {ahead ? `in ${ageOf(new Date(now).toISOString(), at.getTime()).replace(" ago", "")}` : ageOf(time, now)}
    </time>
  );
}

export const short = (commit: string) => commit.slice(0, 7);
export const person = (author: string) => author.replace(/ <.*/, "");
export const plural = (count: number, noun: string) =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1; }
  return `${count < 10 && unit > 0 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}
