// Parts that several pages share: links that do not load the page anew, tables, notes, commands.
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { Failure, Problem } from "./api";
import type { Live } from "./live";
import { Ago, ageOf, labelOf } from "./words";

export function go(href: string, replace = false) {
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

// For the whole document: links to our own pages turn them.
export function turnPages(event: MouseEvent) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = (event.target as Element).closest?.("a");
  if (!link || link.target || link.origin !== location.origin || link.hash) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

export const clusterHref = (name: string) => `/clusters/${encodeURIComponent(name)}`;
export const packageHref = (name: string) => `/packages/${encodeURIComponent(name)}`;

// "cluster/prod-1" as a link to its page.
export function Subject({ name }: { name: string }) {
  const [kind, ...rest] = name.split("/");
  const of = rest.join("/");
  if (kind === "cluster") return <a href={clusterHref(of)}>{name}</a>;
  if (kind === "package") return <a href={packageHref(of)}>{name}</a>;
  if (kind === "repository") return <a href="/repositories">{name}</a>;
  return <>{name}</>;
}

export function Note({ tone, children }: { tone: "bad" | "drift" | "gone" | "idle" | "work"; children: ComponentChildren }) {
  return <div class={`note t-${tone}`}>{children}</div>;
}

export function Command({ text }: { text: string }) {
  const [copied, set] = useState(false);
  const copy = async () => {
    try { await navigator.clipboard.writeText(text); } catch { return; }
    set(true);
    setTimeout(() => set(false), 1500);
  };
  return (
    <span class="command">
      <code>{text}</code>
      <button type="button" class="small" onClick={copy} aria-label={`Copy the command: ${text}`}>
        {copied ? "Copied" : "Copy"}
      </button>
    </span>
  );
}

// What a page shows before, and when, there is nothing to show. What was there stays, with its age.
export function Waiting<T>({ live, children }: { live: Live<T>; children: (data: T) => ComponentChildren }) {
  return (
    <>
      {live.failure !== null && <Broken failure={live.failure} at={live.at} />}
      {live.data !== null ? children(live.data) : live.failure === null && <p class="faint">Asking the hub …</p>}
    </>
  );
}

const WHY: Record<number, string> = { 400: "Not understood", 404: "Not found", 429: "Too much at once" };

function Broken({ failure, at }: { failure: Failure; at: number }) {
  return (
    <div class="note t-bad" role="alert">
      <strong>{WHY[failure.status] ?? "No answer from the hub"}:</strong> {failure.message}
      {at > 0 && <> What you see is from {ageOf(new Date(at).toISOString(), Date.now())}.</>}
    </div>
  );
}

export function Section({ title, id, count, children, aside }: {
  title: string; id: string; count?: number; children: ComponentChildren; aside?: ComponentChildren;
}) {
  return (
    <section aria-labelledby={id}>
      <div class="head">
        <h2 id={id}>{title}{count !== undefined && <span class="count">{count.toLocaleString("en")}</span>}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

export function Table({ caption, heads, children }: {
  caption: string; heads: string[]; children: ComponentChildren;
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead><tr>{heads.map((head) => <th scope="col" key={head}>{head}</th>)}</tr></thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export function Facts({ facts }: { facts: [name: string, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

export function Progress({ done, all, label }: { done: number; all: number; label: string }) {
  const style: JSX.CSSProperties = { width: `${all === 0 ? 0 : (100 * done) / all}%` };
  return (
    <div class="progress" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={all} aria-valuenow={done}>
      <div class={done === all ? "whole" : ""} style={style} />
    </div>
  );
}

export const objectName = (object: { kind: string; namespace: string; name: string }) =>
  `${object.kind} ${object.namespace === "" ? "" : `${object.namespace}/`}${object.name}`;

// What is wrong with one object: the fields with both values, who and when.
export function Differences({ problem }: { problem: Problem }) {
  return (
    <article class="difference">
      <h3>{objectName(problem)}<span class="what">{whatOf(problem.what)}</span></h3>
      <p class="faint">
        {problem.since && <>since <Ago time={problem.since} /></>}
        {(problem.changedBy !== "" || problem.changedAt) && <> · changed </>}
        {problem.changedBy !== "" && <>by <strong>{problem.changedBy}</strong> </>}
        {problem.changedAt && <Ago time={problem.changedAt} />}
        {problem.recurring && <> · again and again</>}
      </p>
      {problem.message !== "" && <p>{problem.message}</p>}
      {problem.differences.length > 0 && (
        <Table caption={`Fields of ${objectName(problem)} that differ`} heads={["Field", "In the cluster", "In Git"]}>
          {problem.differences.map((one) => (
            <tr key={one.pointer}>
              <th scope="row"><code>{one.pointer === "" ? "the whole object" : one.pointer}</code></th>
              <td><del><code>{one.live === "" ? "absent" : one.live}</code></del></td>
              <td><ins><code>{one.desired === "" ? "absent" : one.desired}</code></ins></td>
            </tr>
          ))}
        </Table>
      )}
      {problem.differences.length === 0 && problem.fields.length > 0 && (
        <p>Fields: {problem.fields.map((field) => <code key={field} class="field">{field}</code>)}</p>
      )}
      {problem.conflicts.map((one) => (
        <p key={one.pointer}><code>{one.pointer}</code> belongs to <strong>{one.manager}</strong></p>
      ))}
    </article>
  );
}

function whatOf(what: string): string {
  const known: Record<string, string> = {
    WouldAdd: "would be added", WouldChange: "would be changed", WouldDelete: "would be deleted",
  };
  return known[what] ?? labelOf(what).toLowerCase();
}
