// The Fleet page: whether every cluster passes muster, in five seconds; and which do not.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Commit, type Hub, type List, type Tiles, url } from "./api";
import { useLive } from "./live";
import { Command, go, Note, Progress, Section, Subject, Waiting } from "./parts";
import { TileBoard } from "./tiles";
import { Ago, labelOf, person, plural, short, signOf, State, toneOf } from "./words";

export interface Filter { selector: string; q: string; groupBy: string; state: string }

export function filterOf(search: string): Filter {
  const given = new URLSearchParams(search);
  return {
    selector: given.get("selector") ?? "", q: given.get("q") ?? "",
    groupBy: given.get("groupBy") ?? "", state: given.get("state") ?? "",
  };
}

export function FilterBar({ path, filter, labelKeys }: { path: string; filter: Filter; labelKeys: string[] }) {
  const [selector, setSelector] = useState(filter.selector);
  const [q, setQ] = useState(filter.q);
  const timer = useRef(0);
  useEffect(() => setSelector(filter.selector), [filter.selector]);
  useEffect(() => setQ(filter.q), [filter.q]);
  const show = (change: Partial<Filter>) => go(url(path, { ...filter, selector, q, ...change }), true);
  const later = (change: Partial<Filter>) => {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => show(change), 250);
  };
  return (
    <form class="filter" role="search" onSubmit={(event) => { event.preventDefault(); show({}); }}>
      <label>Labels
        <input id="search" value={selector} placeholder="env=prod, region in (eu, us)" autocomplete="off" spellcheck={false}
          onInput={(event) => { setSelector(event.currentTarget.value); later({ selector: event.currentTarget.value }); }} />
      </label>
      <label>Name
        <input value={q} placeholder="part of a name" autocomplete="off" spellcheck={false}
          onInput={(event) => { setQ(event.currentTarget.value); later({ q: event.currentTarget.value }); }} />
      </label>
      <label>Group by
        <select value={filter.groupBy} onChange={(event) => show({ groupBy: event.currentTarget.value })}>
          <option value="">nothing</option>
          {labelKeys.map((key) => <option key={key} value={key}>{key}</option>)}
        </select>
      </label>
    </form>
  );
}

// The states that there are, worst first; each one a button that shows only its clusters.
export function StateButtons({ path, filter, tiles }: { path: string; filter: Filter; tiles: Tiles }) {
  return (
    <div class="states" role="group" aria-label="Show only clusters in one state">
      {tiles.states.filter((one) => one.count > 0 || one.state === filter.state).map(({ state, count }) => (
        <button type="button" key={state} class={`chip t-${toneOf(state)}`} aria-pressed={filter.state === state}
          onClick={() => go(url(path, { ...filter, state: filter.state === state ? "" : state }), true)}>
          <span class="sign" aria-hidden="true">{signOf(state)}</span> <strong>{count.toLocaleString("en")}</strong> {labelOf(state)}
        </button>
      ))}
    </div>
  );
}

function Headline({ tiles }: { tiles: Tiles }) {
  const good = tiles.states.find((one) => one.state === "Converged")?.count ?? 0;
  const all = tiles.matching;
  if (tiles.total === 0) return null;
  const narrowed = all < tiles.total ? ` of ${tiles.total.toLocaleString("en")} in the fleet` : "";
  return (
    <p class="headline" aria-live="polite">
      <strong class={good === all ? "t-good" : ""}>{good.toLocaleString("en")}</strong> of{" "}
      <strong>{all.toLocaleString("en")}</strong> {all === 1 ? "cluster passes" : "clusters pass"} muster{narrowed}
    </p>
  );
}

function Journey() {
  const live = useLive<List<Commit>>("/api/v1/commits?limit=4");
  if (live.data === null || live.data.items.length === 0) return null;
  return (
    <Section title="Newest commits" id="journey" aside={<a href="/repositories">All commits</a>}>
      <ul class="journey">
        {live.data.items.map((one) => (
          <li key={`${one.repository}/${one.commit.id}/${one.seenAt}`}>
            <div class="line">
              <code>{short(one.commit.id)}</code> <span class="subject">{one.commit.subject}</span>
              <State word={one.result} />
            </div>
            <div class="line faint">
              <span>{one.repository === ".fleet" ? "fleet repository" : one.repository} · {person(one.commit.author)} · <Ago time={one.seenAt} /></span>
              {one.clustersDesired > 0 && <span class="right">{one.clustersApplied.toLocaleString("en")} of {plural(one.clustersDesired, "cluster")}</span>}
            </div>
            {one.clustersDesired > 0 && (
              <Progress done={one.clustersApplied} all={one.clustersDesired} label={`Clusters that have applied ${short(one.commit.id)}`} />
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Findings({ hub }: { hub: Hub }) {
  if (hub.findings.length === 0) return null;
  return (
    <Section title="To look at" id="findings" count={hub.findings.length}>
      <ul class="findings">
        {hub.findings.slice(0, 20).map((one) => (
          <li key={one.subject + one.message} class={`t-${one.severity === "error" ? "bad" : "drift"}`}>
            <span class="sign" aria-hidden="true">{one.severity === "error" ? "✕" : "!"}</span>
            <div>
              <span class="hidden">{one.severity}: </span><strong><Subject name={one.subject} /></strong> {one.message}
              {one.next !== "" && <div><Command text={one.next} /></div>}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

export function FleetPage({ search }: { search: string }) {
  const filter = filterOf(search);
  const { state, ...asked } = filter;
  const live = useLive<Tiles>(url("/api/v1/tiles", asked));
  const hub = useLive<Hub>("/api/v1/hub");
  return (
    <>
      <h1 class="hidden">Fleet</h1>
      {live.data !== null && <><Headline tiles={live.data} /><StateButtons path="/" filter={filter} tiles={live.data} /></>}
      <FilterBar path="/" filter={filter} labelKeys={live.data?.labelKeys ?? []} />
      <Waiting live={live}>
        {(tiles) => {
          const shown = state === "" ? tiles.clusters : tiles.clusters.filter((tile) => tile[2] === state);
          return (
            <>
              <div class="columns">
                <div>
                  {tiles.total === 0 && (
                    <Note tone="idle">No cluster has joined yet. <Command text="muster join NAME" /></Note>
                  )}
                  {tiles.total > 0 && shown.length === 0 && <Note tone="idle">No cluster is like that.</Note>}
                  <TileBoard tiles={shown} order={tiles.states.map((one) => one.state)} groupBy={tiles.groupBy} />
                  {tiles.total > 0 && (
                    <p class="faint same">The same on the command line: <Command
                      text={`muster get clusters${asked.selector === "" ? "" : ` -l '${asked.selector}'`} --watch`} /></p>
                  )}
                </div>
                <aside aria-label="What goes on">
                  <Journey />
                  {hub.data !== null && <Findings hub={hub.data} />}
                </aside>
              </div>
            </>
          );
        }}
      </Waiting>
    </>
  );
}
