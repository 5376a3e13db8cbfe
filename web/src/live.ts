// Live data: what the hub was asked is asked again when the hub says that something changed. What was
// there stays on the page while a new answer is on its way, and when none comes.
import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, get } from "./api";

export type Connection = "connecting" | "live" | "lost";

// At most one question a second per page part, however much changes.
const PAUSE_MS = 1000;

const listeners = new Set<() => void>();
const watchers = new Set<(connection: Connection) => void>();
let connection: Connection = "connecting";
let source: EventSource | null = null;

function become(next: Connection) {
  connection = next;
  for (const watcher of watchers) watcher(next);
}

// Opens the stream of changes; the browser connects again by itself.
export function startStream() {
  if (source !== null) return;
  source = new EventSource("/api/v1/stream");
  source.addEventListener("change", () => {
    if (connection !== "live") become("live");
    for (const listener of listeners) listener();
  });
  source.onerror = () => {
    become("lost");
    // Not again by itself after an answer that is none, as when the session has ended.
    if (source?.readyState === EventSource.CLOSED) {
      source = null;
      for (const listener of listeners) listener();
      setTimeout(startStream, 5000);
    }
  };
}

export function stopStream() {
  source?.close();
  source = null;
  become("connecting");
}

export function useConnection(): Connection {
  const [value, set] = useState(connection);
  useEffect(() => {
    watchers.add(set);
    set(connection);
    return () => { watchers.delete(set); };
  }, []);
  return value;
}

export interface Live<T> {
  data: T | null;
  failure: Failure | null;
  at: number;  // when `data` came; 0: never
}

let onSignedOut: () => void = () => {};
export function whenSignedOut(act: () => void) { onSignedOut = act; }

// The answer to GET `path`, kept fresh; null asks nothing. While the answer to another path is on its way, and
// when there is none, the one before stays.
export function useLive<T>(path: string | null): Live<T> {
  const [live, set] = useState<Live<T>>({ data: null, failure: null, at: 0 });
  const timer = useRef(0);
  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    let last = 0;
    let asking = false;
    let again = false;
    const ask = async () => {
      timer.current = 0;
      asking = true;
      last = Date.now();
      try {
        const data = await get<T>(path, abort.signal);
        set({ data, failure: null, at: Date.now() });
      } catch (error) {
        if (abort.signal.aborted) return;
        const failure = error instanceof Failure ? error : new Failure(0, "the hub cannot be reached");
        if (failure.status === 401) onSignedOut();
        set((old) => ({ ...old, failure }));
      }
      asking = false;
      if (again) { again = false; soon(); }
    };
    const soon = () => {
      if (asking) { again = true; return; }
      if (timer.current !== 0 || document.hidden) return;
      timer.current = window.setTimeout(ask, Math.max(0, last + PAUSE_MS - Date.now()));
    };
    const shown = () => { if (!document.hidden) soon(); };
    void ask();
    listeners.add(soon);
    document.addEventListener("visibilitychange", shown);
    return () => {
      abort.abort();
      listeners.delete(soon);
      document.removeEventListener("visibilitychange", shown);
      window.clearTimeout(timer.current);
      timer.current = 0;
    };
  }, [path]);
  return live;
}
