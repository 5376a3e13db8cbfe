// What the hub answers, and how to ask. The shapes are those of /openapi.json.

export interface Condition {
  type: string; status: string; reason: string; message: string; sinceAt?: string | null; since: string | null;
}
export interface Finding { severity: string; subject: string; message: string; next: string }
export interface Hub {
  version: string; hubId: string; fleetUrl: string; fleetCommit: string; now: string; startedAt: string;
  clusters: number; connected: number; converged: number; pendingClusters: number;
  findings: Finding[]; storeBytes: number; diskFreeBytes: number;
}
export interface Difference { pointer: string; live: string; desired: string }
export interface Problem {
  apiVersion: string; kind: string; namespace: string; name: string; what: string; message: string;
  fields: string[]; differences: Difference[]; conflicts: { manager: string; pointer: string }[];
  since: string | null; changedBy: string; changedAt: string | null; health: string; recurring: boolean;
}
export interface ClusterPackage {
  name: string; sync: string; health: string; desiredCommit: string; appliedCommit: string; message: string;
  objects: number; drifted: number; held: number; driftHealed: number; problems: Problem[];
  conditions: Condition[]; repository: string;
}
export interface Cluster {
  name: string; id: string; project: string; labels: Record<string, string>; state: string;
  connection: string; sync: string; health: string; mode: string;
  desiredGeneration: number; appliedGeneration: number; desiredRevision: string; appliedRevision: string;
  lastSeenAt: string | null; enrolledAt: string | null; agentVersion: string; driver: string; message: string;
  objects: number; drifted: number; unmanaged: number; suspended: boolean; suspendedLocally: string;
  certificateExpiresAt: string | null; packages: ClusterPackage[]; conditions: Condition[]; words: string;
  appliedAt: string | null;
  unmanagedObjects: { apiVersion: string; kind: string; namespace: string; name: string }[];
}
export interface FleetObject {
  package: string; sync: string; health: string; problem: Problem | null; commit: string;
  sourceFile: string; sourceLine: number;
  entry: { apiVersion: string; kind: string; namespace: string; name: string; wave: number; digest: string | null };
}
export interface Package {
  name: string; project: string; repository: string; path: string; commit: string; clusters: number; synced: number;
  bundles: number; sync: string; health: string; suspended: boolean; message: string; objects: number;
  conditions: Condition[]; origin: { file: string; line: number } | null;
}
export interface Repository {
  name: string; url: string; ref: string; commit: string; subject: string; polledAt: string | null;
  suspended: boolean; frozen: boolean; seenCommit: string; failures: number; message: string; fleet: boolean;
}
export interface Commit {
  repository: string; commit: { id: string; author: string; subject: string; committedAt: string | null };
  seenAt: string | null; result: string; message: string; clustersDesired: number; clustersApplied: number;
}
export interface Event {
  number: number; time: string | null; type: string; reason: string; subject: string; message: string; actor: string;
}
export interface History {
  time: string | null; generation: number; package: string; bundleDigest: string | null; commit: string;
  subject: string; author: string; receipt: boolean;
}
export interface LiveDifference {
  what: string; package: string; apiVersion: string; kind: string; namespace: string; name: string; pointer: string;
  here: string; usual: string; hereIsGit: boolean; usualIsGit: boolean; changedBy: string; changedAt: string | null;
  since: string | null; recurring: boolean;
}
export interface Snowflake {
  reason: string; group: string; peers: number; usual: number; digest: string; clustersTotal: number;
  clusters: { name: string; connection: string; lastSeenAt: string | null; agentVersion: string; driftHealed: number }[];
  differences: LiveDifference[]; differencesTotal: number; recurring: boolean;
}
export interface PeerGroup {
  name: string; packages: string[]; clusters: number; alike: number; variants: number; usualDigest: string;
  usualDiffers: boolean; labels: Record<string, string>;
}
export interface Snowflakes {
  clusters: number; alike: number; alone: number; unheard: number; differing: number; total: number;
  snowflakes: Snowflake[]; groups: PeerGroup[]; groupsTotal: number;
}
export interface Audit {
  number: number; time: string | null; actor: string; action: string; subject: string; result: string; message: string;
  evidence: string | null; digest: string | null;
}
export interface AuditLines { hubId: string; lines: string[]; number: number; head: string }
export interface Wave {
  name: string; state: string; clusters: number; waiting: number; inFlight: number; healthy: number; failed: number;
  apart: number; upToDate: number;
}
export interface Rollout {
  package: string; plan: string; number: number; release: string | null; phase: string; message: string; waitsFor: string;
  actor: string; repository: string; commit: string; startedAt: string | null; endedAt: string | null; waves: Wave[];
  failed: string[]; inNoWave: string[]; queued: boolean;
  approvals: { wave: string; after: boolean; by: string; atAt: string | null; reason: string }[];
}
export interface PlanObject {
  what: string; kind: string; namespace: string; name: string; held: string; to: string; fieldsTotal: number;
  fields: { pointer: string; path: string; before: string; after: string; hidden: boolean }[];
}
export interface PlanGroup {
  package: string; clusters: string[]; objects: PlanObject[]; objectsTotal: number; added: number; changed: number;
  deleted: number; left: number; held: number; stops: { rail: string; message: string }[]; error: string;
}
export interface FleetPlan {
  repository: string; revision: string; commit: { id: string; subject: string } | null; rulingCommit: string;
  descends: boolean; clusters: number; clustersChanged: number; added: number; changed: number; deleted: number;
  left: number; held: number; failed: number; groups: PlanGroup[];
}
export interface List<T> {
  items: T[]; nextPageToken: string; total: number; groups: { value: string; count: number }[] | null;
}
// [name, group, state, drifted, message]
export type Tile = [string, string, string, number, string];
export interface Tiles {
  total: number; matching: number; groupBy: string; labelKeys: string[];
  states: { state: string; count: number }[]; clusters: Tile[];
}

export class Failure extends Error {
  constructor(readonly status: number, message: string) { super(message); }
}

async function failureOf(answer: Response): Promise<Failure> {
  let detail = answer.statusText;
  try {
    detail = ((await answer.json()) as { detail?: string }).detail ?? detail;
  } catch { /* not ours: the status has to do */ }
  return new Failure(answer.status, detail);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await fetch(path, { signal, credentials: "same-origin" });
  if (!answer.ok) throw await failureOf(answer);
  return (await answer.json()) as T;
}

export async function signIn(code: string): Promise<void> {
  const answer = await fetch("/api/v1/session", {
    method: "POST", credentials: "same-origin",
    headers: { "Content-Type": "application/json" }, body: JSON.stringify({ code }),
  });
  if (!answer.ok) throw await failureOf(answer);
}

export async function signOut(): Promise<void> {
  await fetch("/api/v1/session", { method: "DELETE", credentials: "same-origin" });
}

// "/api/v1/clusters?selector=env%3Dprod" of a path and what is not empty.
export function url(path: string, parameters: Record<string, string | number>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value !== "") search.set(key, String(value));
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}
