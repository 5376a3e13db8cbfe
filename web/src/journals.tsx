// Repositories with their commits, and the events: what came from Git, and what happened.
import { useEffect, useState } from "preact/hooks";
import { type Commit, type Event, get, type List, type Repository, url } from "./api";
import { EventRows } from "./cluster";
import { useLive } from "./live";
import { Command, go, Note, Progress, Section, Table, Waiting } from "./parts";
import { Ago, person, short, State } from "./words";

function stateOf(one: Repository): string {
  if (one.frozen) return "Frozen";
  if (one.failures > 0) return "Failing";
  if (one.suspended) return "Suspended";
  return one.commit === "" ? "Unknown" : "Ready";
}

function Repositories({ list }: { list: Repository[] }) {
  return (
    <Table caption="Repositories" heads={["Repository", "State", "Ref", "Commit", "Polled", "URL", "Message"]}>
      {list.map((one) => (
        <tr key={one.name}>
          <th scope="row">{one.fleet ? "fleet repository" : one.name}</th>
          <td><State word={stateOf(one)} /></td>
          <td><code>{one.ref}</code></td>
          <td><code>{short(one.commit) || "–"}</code> <span class="faint">{one.subject}</span></td>
          <td class="nowrap"><Ago time={one.polledAt} /></td>
          <td><code class="break">{one.url}</code></td>
          <td>{one.message}
            {one.frozen && <div>Its history was rewritten. <Command text={`muster accept-rewrite ${one.name} ${one.seenCommit}`} /></div>}
          </td>
        </tr>
      ))}
    </Table>
  );
}

export function RepositoriesPage() {
  const repositories = useLive<List<Repository>>("/api/v1/repositories");
  const commits = useLive<List<Commit>>("/api/v1/commits?limit=100");
  return (
    <>
      <h1>Repositories</h1>
      <Waiting live={repositories}>{(list) => <Repositories list={list.items} />}</Waiting>
      <Section title="Commits" id="commits" count={commits.data?.total}>
        <Waiting live={commits}>
          {(list) => (
            <Table caption="Commits, newest first" heads={["Commit", "Subject", "Result", "Clusters", "Author", "Repository", "Seen"]}>
              {list.items.map((one) => (
                <tr key={`${one.repository}/${one.commit.id}/${one.seenAt}`}>
                  <th scope="row"><code>{short(one.commit.id)}</code></th>
                  <td>{one.commit.subject}{one.message !== "" && <div class="t-bad">{one.message}</div>}</td>
                  <td><State word={one.result} /></td>
                  <td class="nowrap">{one.clustersApplied.toLocaleString("en")} of {one.clustersDesired.toLocaleString("en")}
                    {one.clustersDesired > 0 && <Progress done={one.clustersApplied} all={one.clustersDesired} label={`Clusters that have applied ${short(one.commit.id)}`} />}</td>
                  <td class="nowrap">{person(one.commit.author)}</td>
                  <td>{one.repository === ".fleet" ? "fleet repository" : one.repository}</td>
                  <td class="nowrap"><Ago time={one.seenAt} /></td>
                </tr>
              ))}
            </Table>
          )}
        </Waiting>
      </Section>
    </>
  );
}

const EVENTS_SHOWN = 100;

export function EventsPage({ search }: { search: string }) {
  const given = new URLSearchParams(search);
  const filter = { q: given.get("q") ?? "", type: given.get("type") ?? "" };
  const path = url("/api/v1/events", { ...filter, limit: EVENTS_SHOWN });
  const live = useLive<List<Event>>(path);
  const [older, setOlder] = useState<{ path: string; events: Event[]; next: string } | null>(null);
  useEffect(() => setOlder(null), [path]);
  const next = older?.next ?? live.data?.nextPageToken ?? "";
  const more = async () => {
    const page = await get<List<Event>>(url("/api/v1/events", { ...filter, limit: EVENTS_SHOWN, pageToken: next }));
    setOlder((old) => ({ path, events: [...(old?.events ?? []), ...page.items], next: page.nextPageToken }));
  };
  return (
    <>
      <h1>Events</h1>
      <form class="filter" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>Find
          <input id="search" value={filter.q} placeholder="subject, reason, person" autocomplete="off"
            onInput={(event) => go(url("/events", { ...filter, q: event.currentTarget.value }), true)} />
        </label>
        <label>Show
          <select value={filter.type} onChange={(event) => go(url("/events", { ...filter, type: event.currentTarget.value }), true)}>
            <option value="">everything</option>
            <option value="Warning">warnings</option>
          </select>
        </label>
      </form>
      <Waiting live={live}>
        {(list) => list.items.length === 0 ? <Note tone="idle">Nothing of that kind has happened.</Note> : (
          <>
            <p class="faint" aria-live="polite">{list.total.toLocaleString("en")} in all, newest first</p>
            <EventRows events={[...list.items, ...(older?.events ?? [])]} />
            {next !== "" && <p><button type="button" onClick={more}>Show older ones</button></p>}
          </>
        )}
      </Waiting>
    </>
  );
}
