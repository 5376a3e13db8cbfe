// One cluster: what it runs and since when, what is wrong with it, what happened to it.
import { useState } from "preact/hooks";
import { type Cluster, type ClusterPackage, type Event, type FleetObject, type History, type List, url } from "./api";
import { useLive } from "./live";
import { Command, Differences, Facts, Note, objectName, packageHref, Section, Subject, Table, Waiting } from "./parts";
import { Ago, labelOf, person, plural, short, State } from "./words";

function Head({ cluster }: { cluster: Cluster }) {
  const joined = cluster.state === "Enrolled";
  return (
    <>
      <div class="title">
        <h1>{cluster.name}</h1>
        <div class="axes">
          {joined ? <><State word={cluster.connection} /><State word={cluster.sync} /><State word={cluster.health} /></>
            : <State word={cluster.state} />}
          {cluster.suspended && <State word="Suspended" />}
        </div>
      </div>
      {joined && cluster.connection !== "Connected" && (
        <Note tone="gone">Nothing was heard of it since <Ago time={cluster.lastSeenAt} />: what you see is how it was then.</Note>
      )}
      {cluster.state === "Pending" && (
        <Note tone="work">It waits to be accepted. Compare the words <strong>{cluster.words}</strong> with those that its agent
          prints. <Command text={`muster accept ${cluster.name}`} /></Note>
      )}
      {cluster.message !== "" && <Note tone={cluster.health === "Degraded" || cluster.health === "Missing" ? "bad" : "drift"}>{cluster.message}</Note>}
      {cluster.suspendedLocally !== "" && <Note tone="idle">Suspended by the cluster’s administrator: {cluster.suspendedLocally}</Note>}
    </>
  );
}

function About({ cluster }: { cluster: Cluster }) {
  const behind = cluster.desiredGeneration !== cluster.appliedGeneration;
  return (
    <Facts facts={[
      ["Runs", cluster.appliedRevision === "" ? <span class="faint">nothing yet</span>
        : <><code>{cluster.appliedRevision}</code> {cluster.appliedAt && <span class="faint">since <Ago time={cluster.appliedAt} /></span>}</>],
      ["Should run", <><code>{cluster.desiredRevision || "nothing"}</code> <span class="faint">generation {cluster.desiredGeneration}{behind ? `, has ${cluster.appliedGeneration}` : ""}</span></>],
      ["Objects", <>{plural(cluster.objects, "object")}, {cluster.drifted} drifted, {cluster.unmanaged} unmanaged</>],
      ["Last heard of", <Ago time={cluster.lastSeenAt} />],
      ["Mode", cluster.mode],
      ["Project", cluster.project],
      ["Agent", <>{cluster.agentVersion || "unknown"} <span class="faint">{cluster.driver}</span></>],
      ["Certificate ends", <Ago time={cluster.certificateExpiresAt} none="none" />],
      ["Labels", Object.keys(cluster.labels).length === 0 ? <span class="faint">none</span> : (
        <span class="labels">{Object.entries(cluster.labels).map(([key, value]) => (
          <a key={key} class="label" href={url("/", { selector: `${key}=${value}` })}>{key}={value}</a>
        ))}</span>
      )],
    ]} />
  );
}

function Packages({ packages }: { packages: ClusterPackage[] }) {
  return (
    <Section title="Packages" id="packages" count={packages.length}>
      {packages.length === 0 ? <p class="faint">No package selects this cluster.</p> : (
        <Table caption="Packages of this cluster" heads={["Package", "Sync", "Health", "Runs", "Should run", "Objects", "Drift", "Healed", "Message"]}>
          {packages.map((one) => (
            <tr key={one.name}>
              <th scope="row"><a href={packageHref(one.name)}>{one.name}</a></th>
              <td><State word={one.sync} /></td>
              <td><State word={one.health} /></td>
              <td><code>{short(one.appliedCommit) || "–"}</code></td>
              <td><code>{short(one.desiredCommit) || "–"}</code></td>
              <td class="number">{one.objects}</td>
              <td class="number">{one.drifted}</td>
              <td class="number">{one.driftHealed}</td>
              <td>{one.message}{one.held > 0 && <> <State word="Held" /> {plural(one.held, "object")}</>}</td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}

function Problems({ packages }: { packages: ClusterPackage[] }) {
  const problems = packages.flatMap((one) => one.problems.map((problem) => ({ package: one.name, problem })));
  if (problems.length === 0) return null;
  return (
    <Section title="Not as it should be" id="problems" count={problems.length}
      aside={<span class="faint">worst first</span>}>
      {problems.slice(0, 50).map(({ package: name, problem }) => (
        <Differences key={name + objectName(problem) + problem.what} problem={problem} />
      ))}
    </Section>
  );
}

const OBJECTS_SHOWN = 200;

function Objects({ cluster }: { cluster: string }) {
  const [q, setQ] = useState("");
  const live = useLive<List<FleetObject>>(url("/api/v1/objects", { cluster, q, limit: OBJECTS_SHOWN, sort: q === "" ? "" : "entry.kind" }));
  return (
    <Section title="Objects" id="objects" count={live.data?.total}
      aside={<label class="inline">Find <input value={q} onInput={(event) => setQ(event.currentTarget.value)} placeholder="kind, name, file" /></label>}>
      <Waiting live={live}>
        {(list) => (
          <>
            {byPackage(list.items).map(([name, objects]) => (
              <details key={name} open={list.total <= 60 || objects.some((one) => one.problem !== null)}>
                <summary><strong>{name}</strong> <span class="faint">{plural(objects.length, "object")}</span> {worstOf(objects)}</summary>
                <Table caption={`Objects of ${name}`} heads={["Object", "Sync", "Health", "From"]}>
                  {objects.map((one) => (
                    <tr key={objectName(one.entry)}>
                      <th scope="row"><span class="kind">{one.entry.kind}</span> {one.entry.namespace !== "" && <span class="faint">{one.entry.namespace}/</span>}{one.entry.name}</th>
                      <td><State word={one.sync} /></td>
                      <td><State word={one.health} /></td>
                      <td>{one.sourceFile === "" ? <span class="faint">–</span> : <code>{one.sourceFile}:{one.sourceLine}</code>}</td>
                    </tr>
                  ))}
                </Table>
              </details>
            ))}
            {list.total > OBJECTS_SHOWN && <p class="faint">{OBJECTS_SHOWN} of {list.total} are shown. <Command text={`muster get objects --cluster ${cluster}`} /></p>}
          </>
        )}
      </Waiting>
    </Section>
  );
}

function byPackage(objects: FleetObject[]): [string, FleetObject[]][] {
  const packages = new Map<string, FleetObject[]>();
  for (const one of objects) packages.set(one.package, [...(packages.get(one.package) ?? []), one]);
  return [...packages];
}

function worstOf(objects: FleetObject[]) {
  const bad = objects.filter((one) => one.problem !== null).length;
  return bad === 0 ? null : <span class="t-bad">{bad} not as {bad === 1 ? "it" : "they"} should be</span>;
}

export function EventRows({ events }: { events: Event[] }) {
  return (
    <Table caption="Events, newest first" heads={["When", "What", "Subject", "Message", "By"]}>
      {events.map((one) => (
        <tr key={one.number}>
          <td class="nowrap"><Ago time={one.time} /></td>
          <td><span class={one.type === "Warning" ? "t-drift" : ""}>{one.type === "Warning" && <span class="sign" aria-hidden="true">! </span>}{one.reason}</span></td>
          <td><Subject name={one.subject} /></td>
          <td>{one.message}</td>
          <td>{one.actor || <span class="faint">hub</span>}</td>
        </tr>
      ))}
    </Table>
  );
}

function HistoryRows({ history }: { history: History[] }) {
  return (
    <Table caption="What this cluster ran, newest first" heads={["From", "Package", "Commit", "Subject", "Author", "Generation", "Receipt"]}>
      {history.map((one) => (
        <tr key={`${one.time}/${one.package}`}>
          <td class="nowrap"><Ago time={one.time} /></td>
          <th scope="row"><a href={packageHref(one.package)}>{one.package}</a></th>
          <td>{one.bundleDigest === null ? <em>left</em> : <code>{short(one.commit) || "–"}</code>}</td>
          <td>{one.subject}</td>
          <td>{person(one.author)}</td>
          <td class="number">{one.generation}</td>
          <td>{one.receipt ? "signed" : <span class="faint">none</span>}</td>
        </tr>
      ))}
    </Table>
  );
}

export function ClusterPage({ name }: { name: string }) {
  const live = useLive<Cluster>(`/api/v1/clusters/${encodeURIComponent(name)}`);
  const events = useLive<List<Event>>(url("/api/v1/events", { cluster: name, limit: 30 }));
  const past = useLive<List<History>>(url("/api/v1/history", { cluster: name, limit: 30 }));
  return (
    <Waiting live={live}>
      {(cluster) => (
        <>
          <Head cluster={cluster} />
          <About cluster={cluster} />
          <Problems packages={cluster.packages} />
          <Packages packages={cluster.packages} />
          <Objects cluster={name} />
          {cluster.unmanagedObjects.length > 0 && (
            <Section title="Managed by nobody" id="unmanaged" count={cluster.unmanaged}>
              <ul class="plain">{cluster.unmanagedObjects.map((one) => <li key={objectName(one)}>{objectName(one)} <span class="faint">{one.apiVersion}</span></li>)}</ul>
            </Section>
          )}
          {past.data !== null && past.data.items.length > 0 && (
            <Section title="History" id="history" count={past.data.total}><HistoryRows history={past.data.items} /></Section>
          )}
          {events.data !== null && events.data.items.length > 0 && (
            <Section title="Events" id="events" count={events.data.total}><EventRows events={events.data.items} /></Section>
          )}
          {cluster.conditions.length > 0 && (
            <Section title="Conditions" id="conditions" count={cluster.conditions.length}>
              <Table caption="Conditions" heads={["Type", "Status", "Reason", "Message", "Since"]}>
                {cluster.conditions.map((one) => (
                  <tr key={one.type}>
                    <th scope="row">{one.type}</th><td>{labelOf(one.status)}</td><td>{one.reason}</td><td>{one.message}</td>
                    <td class="nowrap"><Ago time={one.since} /></td>
                  </tr>
                ))}
              </Table>
            </Section>
          )}
          <p class="faint same">The same on the command line: <Command text={`muster describe cluster ${name}`} /></p>
        </>
      )}
    </Waiting>
  );
}
