// The console: which page the address means, and what stands around every page.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, signIn, signOut } from "./api";
import { AuditPage } from "./audit";
import { ClusterPage } from "./cluster";
import { FleetPage } from "./fleet";
import { EventsPage, RepositoriesPage } from "./journals";
import { startStream, stopStream, useConnection, whenSignedOut } from "./live";
import { PackagePage, PackagesPage } from "./packages";
import { Command, go, turnPages } from "./parts";
import { PlanPage } from "./plan";
import { RolloutPage, RolloutsPage } from "./rollouts";
import { SnowflakesPage } from "./snowflakes";

const PAGES: [href: string, name: string][] = [
  ["/", "Fleet"], ["/packages", "Packages"], ["/rollouts", "Rollouts"], ["/plan", "Plan"], ["/snowflakes", "Snowflakes"],
  ["/repositories", "Repositories"], ["/events", "Events"], ["/audit", "Audit"],
];

function Page({ path, search }: { path: string; search: string }) {
  const [, kind, name] = path.split("/");
  if (path === "/") return <FleetPage search={search} />;
  if (kind === "clusters" && name) return <ClusterPage key={name} name={decodeURIComponent(name)} />;
  if (kind === "packages" && name) return <PackagePage key={name} name={decodeURIComponent(name)} search={search} />;
  if (kind === "packages") return <PackagesPage />;
  if (kind === "rollouts" && name) return <RolloutPage key={name} name={decodeURIComponent(name)} />;
  if (kind === "rollouts") return <RolloutsPage />;
  if (kind === "plan") return <PlanPage search={search} />;
  if (kind === "audit") return <AuditPage search={search} />;
  if (kind === "snowflakes") return <SnowflakesPage search={search} />;
  if (kind === "repositories") return <RepositoriesPage />;
  if (kind === "events") return <EventsPage search={search} />;
  return <><h1>There is no such page</h1><p><a href="/">To the fleet</a></p></>;
}

function titleOf(path: string): string {
  const [, kind, name] = path.split("/");
  if (name) return `${decodeURIComponent(name)} · Muster`;
  const page = PAGES.find(([href]) => href === (kind === "" ? "/" : `/${kind}`));
  return page ? `${page[1]} · Muster` : "Muster";
}

// ---------------------------------------------------------------- light and dark

type Theme = "" | "light" | "dark";

function wear(theme: Theme) {
  if (theme === "") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function ThemeButton() {
  const [theme, set] = useState<Theme>((localStorage.getItem("theme") as Theme | null) ?? "");
  const dark = theme === "" ? matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark";
  const turn = () => {
    const next = dark ? "light" : "dark";
    localStorage.setItem("theme", next);
    wear(next);
    set(next);
  };
  return <button type="button" class="small quiet" onClick={turn}>{dark ? "Light" : "Dark"}</button>;
}

// ---------------------------------------------------------------- around the page

function Pulse() {
  const connection = useConnection();
  const words = { live: "Live", connecting: "Connecting", lost: "Connection lost" }[connection];
  return <span class={`pulse ${connection}`} role="status"><span class="dot" aria-hidden="true" />{words}</span>;
}

function Keys() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const typing = /INPUT|SELECT|TEXTAREA/.test((event.target as Element).tagName);
      if (typing || event.metaKey || event.ctrlKey || event.altKey) return;
      if (event.key === "/") {
        const box = document.getElementById("search");
        if (box) { event.preventDefault(); box.focus(); }
      }
      if (event.key === "?") dialog.current?.showModal();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="keys">
      <h2 id="keys">Keys</h2>
      <dl class="keys">
        <dt><kbd>/</kbd></dt><dd>to the filter</dd>
        <dt><kbd>Tab</kbd></dt><dd>into a group of tiles</dd>
        <dt><kbd>←</kbd> <kbd>↑</kbd> <kbd>↓</kbd> <kbd>→</kbd></dt><dd>from tile to tile</dd>
        <dt><kbd>Enter</kbd></dt><dd>open a cluster</dd>
        <dt><kbd>?</kbd></dt><dd>this list</dd>
      </dl>
      <form method="dialog"><button>Close</button></form>
    </dialog>
  );
}

function Shell({ actor, onLeave }: { actor: string; onLeave: () => void }) {
  const [place, setPlace] = useState({ path: location.pathname, search: location.search });
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    const turned = () => setPlace({ path: location.pathname, search: location.search });
    window.addEventListener("popstate", turned);
    document.addEventListener("click", turnPages);
    return () => {
      window.removeEventListener("popstate", turned);
      document.removeEventListener("click", turnPages);
    };
  }, []);
  const first = useRef(true);
  useEffect(() => {
    document.title = titleOf(place.path);
    if (first.current) { first.current = false; return; }
    window.scrollTo(0, 0);
    main.current?.focus();
  }, [place.path]);
  const section = `/${place.path.split("/")[1] === "clusters" ? "" : place.path.split("/")[1]}`;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>To the content</a>
      <header>
        <a class="brand" href="/"><img src="/icon.svg" alt="" width="26" height="26" /> Muster</a>
        <nav aria-label="Pages">
          {PAGES.map(([href, name]) => <a key={href} href={href} aria-current={section === href ? "page" : undefined}>{name}</a>)}
        </nav>
        <div class="who">
          <Pulse /><span class="actor">{actor}</span>
          <ThemeButton /><button type="button" class="small quiet" onClick={onLeave}>Sign out</button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}><Page path={place.path} search={place.search} /></main>
      <Keys />
    </>
  );
}

function SignIn({ why }: { why: string }) {
  return (
    <main class="signin" id="main">
      <img src="/icon.svg" alt="" width="56" height="56" />
      <h1>Muster</h1>
      {why !== "" && <div class="note t-bad" role="alert">{why}</div>}
      <p>You are not signed in. Where you have an operator’s certificate, ask for a link and open it here:</p>
      <p><Command text="muster dashboard" /></p>
    </main>
  );
}

// ---------------------------------------------------------------- signing in

function Console() {
  const [actor, setActor] = useState<string | null>(null);
  const [why, setWhy] = useState<string | null>(null);
  useEffect(() => {
    const enter = async () => {
      if (location.pathname === "/login") {
        const code = location.hash.slice(1);
        go("/", true);  // the code leaves the address bar before anything else
        if (code !== "") await signIn(code);
      }
      setActor((await get<{ actor: string }>("/api/v1/session")).actor);
      startStream();
    };
    enter().catch((error: { status?: number; message: string }) => setWhy(error.status === 401 && !error.message.includes("code") ? "" : error.message));
    whenSignedOut(() => { stopStream(); setActor(null); setWhy("Your session has ended."); });
  }, []);
  const leave = async () => { stopStream(); await signOut(); setActor(null); setWhy(""); };
  if (actor !== null) return <Shell actor={actor} onLeave={leave} />;
  return why === null ? null : <SignIn why={why} />;
}

wear((localStorage.getItem("theme") as Theme | null) ?? "");
render(<Console />, document.getElementById("app")!);
