// Audit: who did what, when, with which result; and whether the hub's log is the one that was written:
// the browser computes every line's name itself.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Audit, type AuditLines, get, type List, url } from "./api";
import { useLive } from "./live";
import { Command, go, Note, Subject, Table, Waiting } from "./parts";
import { Ago, State } from "./words";

const SHOWN = 100;
const encoder = new TextEncoder();

async function sha256(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Every line names the one before it: from the first to the newest. Tells how far it got.
async function verify(tell: (done: number, all: number) => void, signal: AbortSignal): Promise<string> {
  let page = await get<AuditLines>("/api/v1/audit-lines", signal);
  const end = page.number;
  const head = page.head;
  let name = await sha256(`muster audit log of hub ${page.hubId}`);
  let number = 0;
  while (number < end) {
    if (page.lines.length === 0) throw new Error(`record ${number + 1} is gone`);
    for (const line of page.lines) {
      if (number === end) break;
      if (!line.startsWith(`{"number":${number + 1},"previous":"${name}",`)) {
        throw new Error(`what stands after record ${number} does not follow it: one of the two was changed, or others between them are gone`);
      }
      name = await sha256(line);
      number += 1;
      if (signal.aborted) throw new Error("stopped");
    }
    tell(number, end);
    if (number < end) page = await get<AuditLines>(url("/api/v1/audit-lines", { after: number }), signal);
  }
  if (end > 0 && name !== head) throw new Error(`the hub says that record ${end} is ${head}, and it is ${name}`);
  return name;
}

type Verdict = { state: "idle" } | { state: "busy"; done: number; all: number } | { state: "good"; count: number; head: string } | { state: "bad"; why: string };

function Verify() {
  const [verdict, set] = useState<Verdict>({ state: "idle" });
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);
  const start = async () => {
    abort.current = new AbortController();
    let count = 0;
    set({ state: "busy", done: 0, all: 0 });
    try {
      const head = await verify((done, all) => { count = all; set({ state: "busy", done, all }); }, abort.current.signal);
      set({ state: "good", count, head });
    } catch (error) {
      set({ state: "bad", why: (error as Error).message });
    }
  };
  return (
    <div class="verify">
      <p>
        {verdict.state === "busy"
          ? <button type="button" onClick={() => abort.current?.abort()}>Stop</button>
          : <button type="button" onClick={start}>Verify the log in this browser</button>}{" "}
        <span class="faint">Every record names the SHA-256 of the one before it. A signature needs more: <Command text="muster audit verify" /></span>
      </p>
      <div role="status">
        {verdict.state === "busy" && <p>{verdict.done.toLocaleString("en")} of {verdict.all.toLocaleString("en")} records …</p>}
        {verdict.state === "good" && <Note tone="work"><State word="Unchanged" /> {verdict.count.toLocaleString("en")} records, none changed. The newest is <code class="break">{verdict.head}</code>.</Note>}
        {verdict.state === "bad" && <Note tone="bad"><strong>Not as it was written:</strong> {verdict.why}.</Note>}
      </div>
    </div>
  );
}

function Rows({ rows }: { rows: Audit[] }) {
  return (
    <Table caption="Audit log, newest first" heads={["Number", "When", "Who", "What", "Subject", "Result", "Message"]}>
      {rows.map((one) => (
        <tr key={one.number}>
          <td class="number">{one.number}</td>
          <td class="nowrap"><Ago time={one.time} /></td>
          <td>{one.actor}</td>
          <th scope="row">{one.action}</th>
          <td><Subject name={one.subject} /></td>
          <td><State word={one.result} /></td>
          <td>{one.message}{one.evidence !== null && <div class="faint">signed: <code>{one.evidence.slice(0, 12)}</code></div>}</td>
        </tr>
      ))}
    </Table>
  );
}

export function AuditPage({ search }: { search: string }) {
  const given = new URLSearchParams(search);
  const filter = { q: given.get("q") ?? "", result: given.get("result") ?? "" };
  const path = url("/api/v1/audit", { ...filter, limit: SHOWN });
  const live = useLive<List<Audit>>(path);
  const [older, setOlder] = useState<{ rows: Audit[]; next: string } | null>(null);
  useEffect(() => setOlder(null), [path]);
  const next = older?.next ?? live.data?.nextPageToken ?? "";
  const more = async () => {
    const page = await get<List<Audit>>(url("/api/v1/audit", { ...filter, limit: SHOWN, pageToken: next }));
    setOlder((old) => ({ rows: [...(old?.rows ?? []), ...page.items], next: page.nextPageToken }));
  };
  return (
    <>
      <h1>Audit</h1>
      <Verify />
      <form class="filter" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>Find
          <input id="search" value={filter.q} placeholder="person, action, subject" autocomplete="off"
            onInput={(event) => go(url("/audit", { ...filter, q: event.currentTarget.value }), true)} />
        </label>
        <label>Show
          <select value={filter.result} onChange={(event) => go(url("/audit", { ...filter, result: event.currentTarget.value }), true)}>
            <option value="">everything</option>
            <option value="Done">what was done</option>
            <option value="Refused">what was refused</option>
            <option value="Noted">what happened by itself</option>
          </select>
        </label>
      </form>
      <Waiting live={live}>
        {(list) => list.items.length === 0 ? <Note tone="idle">Nothing of that kind is in the log.</Note> : (
          <>
            <p class="faint" aria-live="polite">{list.total.toLocaleString("en")} in all, newest first</p>
            <Rows rows={[...list.items, ...(older?.rows ?? [])]} />
            {next !== "" && <p><button type="button" onClick={more}>Show older ones</button></p>}
          </>
        )}
      </Waiting>
      <p class="faint same">To keep as proof: <Command text="muster audit export > audit.jsonl" /></p>
    </>
  );
}
