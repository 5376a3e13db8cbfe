// Packages: all of them, and one with how it is in each cluster.
import { type Event, type List, type Package, type Tiles, url } from "./api";
import { EventRows } from "./cluster";
import { filterOf, FilterBar, StateButtons } from "./fleet";
import { useLive } from "./live";
import { Command, Facts, Note, packageHref, Progress, Section, Table, Waiting } from "./parts";
import { TileBoard } from "./tiles";
import { plural, short, State } from "./words";

export function PackagesPage() {
  const live = useLive<List<Package>>("/api/v1/packages");
  return (
    <>
      <h1>Packages</h1>
      <Waiting live={live}>
        {(list) => list.items.length === 0
          ? <Note tone="idle">The fleet repository declares no package yet. <Command text="muster doctor" /></Note>
          : (
            <Table caption="Packages" heads={["Package", "Sync", "Health", "Clusters", "Commit", "Repository", "Path", "Message"]}>
              {list.items.map((one) => (
                <tr key={one.name}>
                  <th scope="row"><a href={packageHref(one.name)}>{one.name}</a></th>
                  <td><State word={one.suspended ? "Suspended" : one.sync} /></td>
                  <td><State word={one.health} /></td>
                  <td class="nowrap">{one.synced.toLocaleString("en")} of {one.clusters.toLocaleString("en")}
                    <Progress done={one.synced} all={one.clusters} label={`Clusters where ${one.name} is in sync`} /></td>
                  <td><code>{short(one.commit) || "–"}</code></td>
                  <td>{one.repository}</td>
                  <td><code>{one.path}</code></td>
                  <td>{one.message}</td>
                </tr>
              ))}
            </Table>
          )}
      </Waiting>
    </>
  );
}

function Clusters({ name, search }: { name: string; search: string }) {
  const filter = filterOf(search);
  const { state, ...asked } = filter;
  const path = packageHref(name);
  const live = useLive<Tiles>(url("/api/v1/tiles", { ...asked, package: name }));
  return (
    <Section title="Clusters" id="clusters" count={live.data?.matching}>
      {live.data !== null && <StateButtons path={path} filter={filter} tiles={live.data} />}
      <FilterBar path={path} filter={filter} labelKeys={live.data?.labelKeys ?? []} />
      <Waiting live={live}>
        {(tiles) => (
          <TileBoard tiles={state === "" ? tiles.clusters : tiles.clusters.filter((tile) => tile[2] === state)}
            order={tiles.states.map((one) => one.state)} groupBy={tiles.groupBy} />
        )}
      </Waiting>
    </Section>
  );
}

export function PackagePage({ name, search }: { name: string; search: string }) {
  const live = useLive<Package>(`/api/v1/packages/${encodeURIComponent(name)}`);
  const events = useLive<List<Event>>(url("/api/v1/events", { package: name, limit: 30 }));
  return (
    <Waiting live={live}>
      {(one) => (
        <>
          <div class="title">
            <h1>{one.name}</h1>
            <div class="axes"><State word={one.sync} /><State word={one.health} />{one.suspended && <State word="Suspended" />}</div>
          </div>
          {one.message !== "" && <Note tone="bad">{one.message}</Note>}
          <Facts facts={[
            ["In sync", <>{one.synced.toLocaleString("en")} of {plural(one.clusters, "cluster")}</>],
            ["Commit", <code>{short(one.commit) || "none yet"}</code>],
            ["Repository", <a href="/repositories">{one.repository}</a>],
            ["Path", <code>{one.path}</code>],
            ["Renderings", <>{plural(one.bundles, "distinct bundle")}, up to {plural(one.objects, "object")}</>],
            ["Declared in", one.origin === null ? "–" : <code>{one.origin.file}:{one.origin.line}</code>],
          ]} />
          <Clusters name={name} search={search} />
          {events.data !== null && events.data.items.length > 0 && (
            <Section title="Events" id="events" count={events.data.total}><EventRows events={events.data.items} /></Section>
          )}
          <p class="faint same">The same on the command line: <Command text={`muster describe package ${name}`} /></p>
        </>
      )}
    </Waiting>
  );
}
