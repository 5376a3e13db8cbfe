// Rollouts: how releases go through their waves, what they wait for, and the commands that lead them.
// A session only looks (ADR 20): who may decide does so with an operator's certificate.
import { type List, type Rollout, type Wave, url } from "./api";
import { useLive } from "./live";
import { clusterHref, Command, Facts, Note, packageHref, Progress, Section, Table, Waiting } from "./parts";
import { Ago, plural, short, State } from "./words";

export const rolloutHref = (name: string) => `/rollouts/${encodeURIComponent(name)}`;

const done = (wave: Wave) => wave.healthy + wave.upToDate;
const sum = (waves: Wave[], of: (wave: Wave) => number) => waves.reduce((all, wave) => all + of(wave), 0);

const WAITS: Record<string, string> = {
  approval: "a person’s approval", soak: "its soak", health: "its clusters to be healthy", clusters: "its clusters",
};

export function RolloutsPage() {
  const live = useLive<List<Rollout>>("/api/v1/rollouts");
  return (
    <>
      <h1>Rollouts</h1>
      <Waiting live={live}>
        {(list) => list.items.length === 0
          ? <Note tone="idle">No package goes out in waves: none names a rollout plan in <code>spec.rollout</code>.</Note>
          : (
            <Table caption="Rollouts" heads={["Package", "Phase", "Clusters", "Failed", "Waits for", "Commit", "Begun", "Message"]}>
              {list.items.map((one) => (
                <tr key={one.package}>
                  <th scope="row"><a href={rolloutHref(one.package)}>{one.package}</a></th>
                  <td><State word={one.phase} /></td>
                  <td class="nowrap">{sum(one.waves, done).toLocaleString("en")} of {sum(one.waves, (wave) => wave.clusters).toLocaleString("en")}
                    <Progress done={sum(one.waves, done)} all={sum(one.waves, (wave) => wave.clusters)} label={`Clusters that are well with ${one.package}`} /></td>
                  <td class="number">{sum(one.waves, (wave) => wave.failed)}</td>
                  <td>{one.waitsFor === "" ? <span class="faint">–</span> : WAITS[one.waitsFor] ?? one.waitsFor}</td>
                  <td><code>{short(one.commit) || "–"}</code></td>
                  <td class="nowrap"><Ago time={one.startedAt} /></td>
                  <td>{one.message}</td>
                </tr>
              ))}
            </Table>
          )}
      </Waiting>
      <p class="faint same">The same on the command line: <Command text="muster get rollouts" /></p>
    </>
  );
}

function Waves({ waves }: { waves: Wave[] }) {
  return (
    <Table caption="Waves, in their order" heads={["Wave", "State", "Well", "On the way", "Waiting", "Failed", "Apart"]}>
      {waves.map((wave) => (
        <tr key={wave.name}>
          <th scope="row">{wave.name}</th>
          <td><State word={wave.state} /></td>
          <td class="nowrap">{done(wave).toLocaleString("en")} of {wave.clusters.toLocaleString("en")}
            <Progress done={done(wave)} all={wave.clusters} label={`Clusters of wave ${wave.name} that are well`} /></td>
          <td class="number">{wave.inFlight}</td>
          <td class="number">{wave.waiting}</td>
          <td class="number">{wave.failed > 0 ? <span class="t-bad"><span class="sign" aria-hidden="true">✕ </span>{wave.failed}</span> : 0}</td>
          <td class="number">{wave.apart}</td>
        </tr>
      ))}
    </Table>
  );
}

// What a person may want to do now, as commands.
function commandsOf(one: Rollout): [what: string, command: string][] {
  const muster = (action: string, more = "") => `muster rollout ${action} ${one.package}${more}`;
  const release = ` --release ${one.release ?? ""}`;
  const commands: [string, string][] = [];
  if (one.waitsFor === "approval") commands.push(["Open the gate", muster("approve", release)]);
  if (one.phase === "Progressing") commands.push(["Move nobody else for now", muster("pause", " --reason '…'")]);
  if (one.phase === "Paused") commands.push(["Go on; what failed so far no longer counts", muster("resume")]);
  if (one.phase === "Progressing" || one.phase === "Paused") {
    commands.push(["End it; what was moved stays", muster("abort", " --reason '…'")], ["Give back what they had", muster("rollback", " --reason '…'")]);
  }
  if (one.phase === "Aborted" || one.phase === "RolledBack") commands.push(["Begin the same release anew", muster("retry")]);
  return commands;
}

function Names({ names }: { names: string[] }) {
  return <ul class="plain">{names.slice(0, 200).map((name) => <li key={name}><a href={clusterHref(name)}>{name}</a></li>)}</ul>;
}

export function RolloutPage({ name }: { name: string }) {
  const live = useLive<List<Rollout>>(url("/api/v1/rollouts", { package: name }));
  return (
    <Waiting live={live}>
      {(list) => list.items.map((one) => (
        <>
          <div class="title">
            <h1>Rollout of {one.package}</h1>
            <div class="axes"><State word={one.phase} />{one.queued && <State word="Queued" />}</div>
          </div>
          {one.message !== "" && <Note tone={one.phase === "Progressing" || one.phase === "Complete" ? "work" : "drift"}>{one.message}</Note>}
          {one.waitsFor !== "" && <Note tone="work">It waits for {WAITS[one.waitsFor] ?? one.waitsFor}.</Note>}
          <Facts facts={[
            ["Package", <a href={packageHref(one.package)}>{one.package}</a>],
            ["Plan", one.plan],
            ["Release", <><code class="break">{one.release ?? "none"}</code> <span class="faint">rollout {one.number}</span></>],
            ["Commit", <><code>{short(one.commit) || "–"}</code> <span class="faint">{one.repository}</span></>],
            ["Begun", <Ago time={one.startedAt} />],
            ["Ended", <Ago time={one.endedAt} none="not yet" />],
            ...(one.actor === "" ? [] : [["Decided by", one.actor] as [string, string]]),
          ]} />
          <Section title="Waves" id="waves" count={one.waves.length}><Waves waves={one.waves} /></Section>
          {one.failed.length > 0 && <Section title="Failed" id="failed" count={one.failed.length}><Names names={one.failed} /></Section>}
          {one.inNoWave.length > 0 && <Section title="In no wave, never moved" id="nowave" count={one.inNoWave.length}><Names names={one.inNoWave} /></Section>}
          {one.approvals.length > 0 && (
            <Section title="Approvals" id="approvals" count={one.approvals.length}>
              <Table caption="Approvals" heads={["Gate", "By", "When", "Reason"]}>
                {one.approvals.map((approval) => (
                  <tr key={`${approval.wave}/${approval.after}`}>
                    <th scope="row">{approval.after ? "behind" : "before"} {approval.wave}</th>
                    <td>{approval.by}</td><td class="nowrap"><Ago time={approval.atAt} /></td><td>{approval.reason}</td>
                  </tr>
                ))}
              </Table>
            </Section>
          )}
          {commandsOf(one).length > 0 && (
            <Section title="Decide" id="decide">
              <p class="faint">A session in a browser looks and changes nothing. Who may decide does so where the operator’s certificate is:</p>
              <dl class="facts">{commandsOf(one).map(([what, command]) => <div key={command}><dt>{what}</dt><dd><Command text={command} /></dd></div>)}</dl>
            </Section>
          )}
          <p class="faint same">{plural(sum(one.waves, (wave) => wave.clusters), "cluster")}. The same on the command line: <Command text={`muster rollout status ${one.package}`} /></p>
        </>
      ))}
    </Waiting>
  );
}
