// The fleet as tiles: one a cluster, by groups. Made for 5,000: a tile is one link, made anew only when
// it changed; groups out of sight are not laid out. Arrow keys walk from tile to tile.
import { Component } from "preact";
import { useMemo } from "preact/hooks";
import type { Tile } from "./api";
import { clusterHref } from "./parts";
import { labelOf, plural, signOf, toneOf } from "./words";

// Up to so many clusters a tile has its name on it.
const NAMED_MAX = 300;

class TileLink extends Component<{ tile: Tile; named: boolean }> {
  shouldComponentUpdate(next: { tile: Tile; named: boolean }) {
    const [a, b] = [this.props, next];
    return a.named !== b.named || a.tile.some((part, i) => part !== b.tile[i]);
  }
  render({ tile: [name, , state, drifted, message], named }: { tile: Tile; named: boolean }) {
    const words = `${name}: ${labelOf(state)}${drifted > 0 ? `, ${drifted} drifted` : ""}`;
    return (
      <a href={clusterHref(name)} class={`tile t-${toneOf(state)}`} aria-label={words} tabIndex={-1}
        title={message === "" ? words : `${words}\n${message}`}>
        <span class="sign">{signOf(state)}</span>
        {named && <span class="name">{name}</span>}
      </a>
    );
  }
}

// Right and left to the neighbour, up and down to the row above and below.
function walk(event: KeyboardEvent) {
  const tile = event.target as HTMLElement;
  if (!tile.classList.contains("tile")) return;
  const all = [...document.querySelectorAll<HTMLElement>(".tile")];
  const at = all.indexOf(tile);
  const box = tile.getBoundingClientRect();
  const across = (step: number) => {
    for (let i = at + step; i >= 0 && i < all.length; i += step) {
      const other = all[i].getBoundingClientRect();
      if (step > 0 ? other.top > box.top && other.left >= box.left - 1 : other.top < box.top && other.left <= box.left + 1) {
        return i;
      }
    }
    return step > 0 ? all.length - 1 : 0;
  };
  const steps: Record<string, () => number> = {
    ArrowRight: () => at + 1, ArrowLeft: () => at - 1, ArrowDown: () => across(1), ArrowUp: () => across(-1),
    Home: () => 0, End: () => all.length - 1,
  };
  const next = steps[event.key]?.();
  if (next === undefined || all[next] === undefined) return;
  event.preventDefault();
  tile.tabIndex = -1;
  all[next].tabIndex = 0;
  all[next].focus();
}

// The first tile of each group can be reached with Tab.
function letIn(list: HTMLElement | null) {
  const first = list?.querySelector<HTMLElement>(".tile");
  if (first && !list?.querySelector('.tile[tabindex="0"]')) first.tabIndex = 0;
}

interface Group { name: string; tiles: Tile[]; counts: [state: string, count: number][] }

function groupsOf(tiles: Tile[], order: string[]): Group[] {
  const groups = new Map<string, Group>();
  for (const tile of tiles) {
    let group = groups.get(tile[1]);
    if (group === undefined) groups.set(tile[1], group = { name: tile[1], tiles: [], counts: [] });
    group.tiles.push(tile);
  }
  const rank = new Map(order.map((state, i) => [state, i]));
  for (const group of groups.values()) {
    const counts = new Map<string, number>();
    for (const tile of group.tiles) counts.set(tile[2], (counts.get(tile[2]) ?? 0) + 1);
    group.counts = [...counts].sort((a, b) => (rank.get(a[0]) ?? 99) - (rank.get(b[0]) ?? 99));
  }
  return [...groups.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function TileBoard({ tiles, order, groupBy }: { tiles: Tile[]; order: string[]; groupBy: string }) {
  const groups = useMemo(() => groupsOf(tiles, order), [tiles, order]);
  const named = tiles.length <= NAMED_MAX;
  return (
    <div class="board" onKeyDown={walk}>
      {groups.map((group) => (
        <section class="group" key={group.name} aria-label={groupBy === "" ? "Clusters" : `${groupBy}: ${group.name || "without"}`}>
          {groupBy !== "" && (
            <h2>
              {group.name === "" ? <em>without {groupBy}</em> : <><span class="faint">{groupBy}</span> {group.name}</>}
              <span class="count">{plural(group.tiles.length, "cluster")}</span>
              {group.counts.map(([state, count]) => (
                <span key={state} class={`mini t-${toneOf(state)}`}>
                  <span class="sign" aria-hidden="true">{signOf(state)}</span> {count.toLocaleString("en")}
                  <span class="hidden"> {labelOf(state)}</span>
                </span>
              ))}
            </h2>
          )}
          <div class={`tiles ${named ? "named" : "dense"}`} ref={letIn}>
            {group.tiles.map((tile) => <TileLink key={tile[0]} tile={tile} named={named} />)}
          </div>
        </section>
      ))}
    </div>
  );
}
