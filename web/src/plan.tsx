// Plan: what a commit would change in the fleet, before it rules, as `muster plan` says it.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Failure, type FleetPlan, get, type List, type PlanGroup, type PlanObject, type Repository, url } from "./api";
import { useLive } from "./live";
import { clusterHref, Command, go, Note, objectName, packageHref, Section, Table } from "./parts";
import { plural, short, State } from "./words";

function Change({ one }: { one: PlanObject }) {
  const more = one.fieldsTotal - one.fields.length;
  return (
    <li>
      <State word={one.what} /> <strong>{objectName(one)}</strong>
      {one.held !== "" && <span class="t-drift"> held: {one.held}</span>}
      {one.what === "Left" && <span class="faint"> leaves Git, stays in the cluster</span>}
      {one.what === "Moved" && <span class="faint"> to package {one.to}</span>}
      {one.fields.length > 0 && (
        <Table caption={`Fields of ${objectName(one)} that change`} heads={["Field", "Now", "Then"]}>
          {one.fields.map((field) => (
            <tr key={field.pointer}>
              <th scope="row"><code class="break">{field.path}</code></th>
              <td><del>{field.hidden ? "hidden" : field.before === "" ? "absent" : <code>{field.before}</code>}</del></td>
              <td><ins>{field.hidden ? "hidden" : field.after === "" ? "absent" : <code>{field.after}</code>}</ins></td>
            </tr>
          ))}
        </Table>
      )}
      {more > 0 && <p class="faint">and {plural(more, "more field")}</p>}
    </li>
  );
}

function Group({ group }: { group: PlanGroup }) {
  const more = group.objectsTotal - group.objects.length;
  return (
    <article class="difference">
      <h3><a href={packageHref(group.package)}>{group.package}</a> in {plural(group.clusters.length, "cluster")}
        <span class="what">{group.error !== "" ? "cannot be rendered"
          : `${group.deleted} deleted, ${group.changed} changed, ${group.added} added${group.left > 0 ? `, ${group.left} left` : ""}`}</span></h3>
      <p class="faint">{group.clusters.slice(0, 10).map((name, i) => <>{i > 0 && ", "}<a href={clusterHref(name)}>{name}</a></>)}
        {group.clusters.length > 10 && <> and {group.clusters.length - 10} more</>}</p>
      {group.error !== "" && <p class="t-bad">{group.error}</p>}
      {group.stops.map((stop) => <p key={stop.rail}><State word="Held" /> <strong>{stop.rail}</strong>: {stop.message}</p>)}
      <ul class="plain">{group.objects.map((one) => <Change key={one.what + objectName(one)} one={one} />)}</ul>
      {more > 0 && <p class="faint">and {plural(more, "more object")}</p>}
    </article>
  );
}

function Result({ plan }: { plan: FleetPlan }) {
  return (
    <>
      <p class="headline-small">
        <strong>{plan.clustersChanged.toLocaleString("en")} of {plural(plan.clusters, "cluster")}</strong> would change:{" "}
        {plan.deleted} deleted{plan.held > 0 && ` (${plan.held} of them held)`}, {plan.changed} changed, {plan.added} added{plan.left > 0 && `, ${plan.left} left`}.
        {plan.commit !== null && <> <code>{short(plan.commit.id)}</code> {plan.commit.subject}</>}
      </p>
      {!plan.descends && plan.rulingCommit !== "" && (
        <Note tone="drift">This revision does not descend from <code>{short(plan.rulingCommit)}</code>, which rules: what that one has and this one
          lacks shows up as a change, too.</Note>
      )}
      {plan.failed > 0 && <Note tone="bad">{plural(plan.failed, "group")} cannot be rendered; their clusters would keep what they have.</Note>}
      {plan.groups.length === 0 && <Note tone="idle">Nothing would change.</Note>}
      <Section title="Changes" id="changes" count={plan.groups.length}>
        {plan.groups.map((group, i) => <Group key={`${group.package}/${i}`} group={group} />)}
      </Section>
    </>
  );
}

export function PlanPage({ search }: { search: string }) {
  const given = new URLSearchParams(search);
  const repository = given.get("repository") ?? "";
  const revision = given.get("revision") ?? "";
  const repositories = useLive<List<Repository>>("/api/v1/repositories");
  const names = (repositories.data?.items ?? []).filter((one) => !one.fleet).map((one) => one.name);
  const [made, set] = useState<{ plan: FleetPlan | null; failure: Failure | null; busy: boolean }>({ plan: null, failure: null, busy: false });
  const [typed, setTyped] = useState(revision);
  const [chosen, setChosen] = useState(repository);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (repository === "" || revision === "") return;
    const abort = new AbortController();
    set({ plan: null, failure: null, busy: true });
    get<FleetPlan>(url("/api/v1/plan", { repository, revision }), abort.signal)
      .then((plan) => set({ plan, failure: null, busy: false }))
      .catch((failure: Failure) => { if (!abort.signal.aborted) set({ plan: null, failure, busy: false }); });
    return () => abort.abort();
  }, [repository, revision]);
  const asked = chosen || names[0] || "";
  return (
    <>
      <h1>Plan</h1>
      <p>What a branch, a tag or a commit would change in the fleet, before it rules. Nothing of it becomes intent.</p>
      <form class="filter" ref={form} onSubmit={(event) => { event.preventDefault(); if (asked !== "" && typed !== "") go(url("/plan", { repository: asked, revision: typed })); }}>
        <label>Repository
          <select value={asked} onChange={(event) => setChosen(event.currentTarget.value)}>
            {names.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
        <label>Revision
          <input id="search" value={typed} placeholder="my-branch" autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
        <div><button type="submit" disabled={made.busy}>Make the plan</button></div>
      </form>
      <div role="status">{made.busy && <p class="faint">The hub fetches and renders it …</p>}</div>
      {made.failure !== null && <div class="note t-bad" role="alert"><strong>No plan:</strong> {made.failure.message}</div>}
      {made.plan !== null && <Result plan={made.plan} />}
      <p class="faint same">The same on the command line, and for a pull request:{" "}
        <Command text={`muster plan --repository ${asked || "apps"} --revision ${typed || "my-branch"} -o markdown`} /></p>
    </>
  );
}
