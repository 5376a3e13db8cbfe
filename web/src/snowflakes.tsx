// Snowflakes: clusters that should be equal and are not, the oddest first, with exactly what differs.
import { type LiveDifference, type PeerGroup, type Snowflake, type Snowflakes, url } from "./api";
import { useLive } from "./live";
import { clusterHref, Command, go, Note, objectName, packageHref, Section, Table, Waiting } from "./parts";
import { Ago, plural, short, State } from "./words";

interface Filter { selector: string; by: string }

const WHY: Record<string, string> = {
  Changed: "something is there, gone or different that Git does not say",
  Behind: "it has not applied what it should have",
  Staged: "it has what it should have: a rollout reached it earlier, or has yet to",
};

function Thing({ one }: { one: LiveDifference }) {
  if (one.kind === "") return one.what === "More" ? <em>more than agents name</em> : <em>the package’s version</em>;
  return <><span class="kind">{one.kind}</span> {one.namespace !== "" && <span class="faint">{one.namespace}/</span>}{one.name}</>;
}

function value(one: LiveDifference, side: "here" | "usual") {
  const text = one[side];
  const git = side === "here" ? one.hereIsGit : one.usualIsGit;
  const absent: Record<string, [has: string, not: string]> = {
    Missing: ["missing", "there"], Extra: ["there, not in Git", "not there"], Failed: ["could not be applied", "as Git says"],
    More: ["none", "none"], Version: ["nothing", "nothing"], Field: ["not told", "not told"],
  };
  if (text !== "") return <code>{one.what === "Version" ? short(text) : text}</code>;
  return <>{(absent[one.what] ?? ["–", "–"])[git ? 1 : 0]}</>;
}

function DifferenceRows({ snowflake }: { snowflake: Snowflake }) {
  const more = snowflake.differencesTotal - snowflake.differences.length;
  return (
    <>
      <Table caption={`What differs in ${snowflake.clusters[0]?.name}`} heads={["Package", "Object", "Field", "Here", "Most peers", "Who and when"]}>
        {snowflake.differences.map((one) => (
          <tr key={[one.package, one.what, objectName(one), one.pointer].join(" ")}>
            <td>{one.package === "" ? <span class="faint">none</span> : <a href={packageHref(one.package)}>{one.package}</a>}</td>
            <th scope="row"><Thing one={one} /></th>
            <td>{one.pointer === "" ? <span class="faint">–</span> : <code class="break">{one.pointer}</code>}</td>
            <td><del>{value(one, "here")}</del>{one.hereIsGit && <span class="faint"> as Git says</span>}</td>
            <td><ins>{value(one, "usual")}</ins>{one.usualIsGit && one.what === "Field" && <span class="faint"> as Git says</span>}</td>
            <td>{one.changedBy !== "" && <strong>{one.changedBy}</strong>} {(one.changedAt ?? one.since) && <Ago time={one.changedAt ?? one.since} />}
              {one.recurring && <> · again and again</>}</td>
          </tr>
        ))}
      </Table>
      {more > 0 && <p class="faint">and {plural(more, "more difference")}</p>}
    </>
  );
}

function Card({ snowflake }: { snowflake: Snowflake }) {
  const more = snowflake.clustersTotal - snowflake.clusters.length;
  return (
    <article class="difference snowflake">
      <h2>
        {snowflake.clusters.slice(0, 8).map((one, i) => <>{i > 0 && ", "}<a href={clusterHref(one.name)}>{one.name}</a></>)}
        {snowflake.clustersTotal > 8 && <span class="faint"> and {snowflake.clustersTotal - 8} more</span>}
        <span class="what"><State word={snowflake.reason} /></span>
      </h2>
      <p class="faint">
        {snowflake.clustersTotal} of {plural(snowflake.peers, "cluster")} with <strong>{snowflake.group}</strong>; {snowflake.usual.toLocaleString("en")} are
        alike. {WHY[snowflake.reason]}.
        {snowflake.clusters.some((one) => one.connection !== "Connected") && <> Some are not heard now: what you see is how they were then.</>}
      </p>
      <DifferenceRows snowflake={snowflake} />
      {snowflake.clusters.length > 8 && (
        <details>
          <summary>All {plural(snowflake.clustersTotal, "cluster")}</summary>
          <p>{snowflake.clusters.map((one, i) => <>{i > 0 && ", "}<a href={clusterHref(one.name)}>{one.name}</a></>)}{more > 0 && <> and {more} more</>}</p>
        </details>
      )}
    </article>
  );
}

function Groups({ groups }: { groups: PeerGroup[] }) {
  return (
    <Table caption="Clusters that should be equal" heads={["Should be equal", "Clusters", "Alike", "States", "Labels of all of them"]}>
      {groups.map((one) => (
        <tr key={one.usualDigest + one.name + one.clusters}>
          <th scope="row">{one.name}</th>
          <td class="number">{one.clusters.toLocaleString("en")}</td>
          <td class="number">{one.alike.toLocaleString("en")}</td>
          <td>{one.variants === 1 ? <State word="Alike" /> : plural(one.variants, "state")}
            {one.usualDiffers && <div class="t-drift">Most of them are not as Git says, either.</div>}</td>
          <td><span class="labels">{Object.entries(one.labels).map(([key, text]) => <span key={key} class="label">{key}={text}</span>)}</span></td>
        </tr>
      ))}
    </Table>
  );
}

function Bar({ filter }: { filter: Filter }) {
  const change = (part: Partial<Filter>) => go(url("/snowflakes", { ...filter, ...part }), true);
  return (
    <form class="filter" role="search" onSubmit={(event) => event.preventDefault()}>
      <label>Filter
        <input id="search" value={filter.selector} placeholder="env=prod, region in (eu, us)" autocomplete="off"
          onInput={(event) => change({ selector: event.currentTarget.value })} />
      </label>
      <label>Should be equal by
        <input value={filter.by} placeholder="what Git says; or labels: env, region" autocomplete="off"
          onChange={(event) => change({ by: event.currentTarget.value.split(/[\s,]+/).filter((key) => key !== "").join(",") })} />
      </label>
    </form>
  );
}

export function SnowflakesPage({ search }: { search: string }) {
  const given = new URLSearchParams(search);
  const filter: Filter = { selector: given.get("selector") ?? "", by: given.get("by") ?? "" };
  const live = useLive<Snowflakes>(url("/api/v1/snowflakes", { ...filter }));
  const command = `muster snowflakes${filter.selector === "" ? "" : ` -l '${filter.selector}'`}${filter.by === "" ? "" : ` --by ${filter.by}`}`;
  return (
    <>
      <h1>Snowflakes</h1>
      <Bar filter={filter} />
      <Waiting live={live}>
        {(found) => (
          <>
            <p class="headline-small" aria-live="polite">
              {found.differing === 0 ? <State word="Alike" /> : <State word="Changed" />}{" "}
              <strong>{plural(found.clusters, "cluster")}</strong> compared: {found.alike.toLocaleString("en")} as their peers, {found.differing.toLocaleString("en")} not
              {found.alone > 0 && <>, {found.alone.toLocaleString("en")} without a peer</>}
              {found.unheard > 0 && <>; {found.unheard.toLocaleString("en")} never reported</>}.
            </p>
            {found.snowflakes.length === 0 && <Note tone="idle">Clusters that should be equal are equal, as far as their agents report.</Note>}
            {found.snowflakes.map((one) => <Card key={one.group + one.digest} snowflake={one} />)}
            {found.total > found.snowflakes.length && <p class="faint">{found.snowflakes.length} of {found.total} snowflakes are shown.</p>}
            {found.groups.length > 0 && <Section title="Should be equal" id="groups" count={found.groupsTotal}><Groups groups={found.groups} /></Section>}
          </>
        )}
      </Waiting>
      <p class="faint same">The same on the command line: <Command text={command} /></p>
    </>
  );
}
