import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { CatalogEvent } from "../../src/catalog/catalog-copy.js";
import { ContractText, createContractCache } from "../../src/catalog/contract-text.js";
import { readFilter } from "../../src/catalog/toolset-filter.js";
import { epochView, type ToolsetView, toolsetView } from "../../src/catalog/toolset-view.js";
import type { Contract } from "../../src/contract/contract.js";
import { sealContract } from "../../src/contract/seal-contract.js";
import { parseEpoch, type ToolsetName } from "../../src/identity/names.js";
import { SEES_ALL, type Searcher, SearchIndex, type SearchRequest } from "../../src/search/search-index.js";
import { nameTerms, nameWords, words } from "../../src/search/search-terms.js";
import { contract, monotonicMs, tool } from "../catalog/hand-written-catalog.js";

const NOW = { nowMsOf: () => 1_000, rule: { intervalMs: 10_000, missed: 3 } };
const ALL = readFilter([], "HEALTH_FILTER_UNSPECIFIED");

/** A catalogue in memory that tells of its changes as a copy does. */
class Shelf {
  readonly #views = new Map<string, ToolsetView>();
  readonly #listeners = new Set<(event: CatalogEvent) => void>();
  readonly #cache = createContractCache(1_000);

  get(name: string): ToolsetView | undefined {
    return this.#views.get(name);
  }

  all(): ToolsetView[] {
    return [...this.#views.values()];
  }

  onChange(listener: (event: CatalogEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  put(contract: Contract, healthy = false): void {
    const { digest, canonicalJson } = sealContract(contract);
    const text = ContractText.check(contract.name, digest, canonicalJson, this.#cache, () => {});
    if (text === undefined) throw new Error("the digest fits");
    const record = {
      epoch: parseEpoch(1, "epoch"),
      digest,
      version: contract.version,
      state: "active",
      registeredAtMs: 0,
      activateAt: 0.5,
      maxBacklog: 1,
      retentionMs: 1,
      retireAfterMs: 1,
      retireAtMs: 0,
    } as const;
    const health = healthy
      ? { lastPongMs: 900, liveUntilMs: 2_000, room: 1 }
      : { lastPongMs: 0, liveUntilMs: 0, room: 0 };
    const view = toolsetView(contract.name, "", [epochView(contract.name, record, text, health)]);
    if (view !== undefined) this.#views.set(contract.name, view);
    this.#tell([contract.name]);
  }

  remove(name: ToolsetName): void {
    this.#views.delete(name);
    this.#tell([name]);
  }

  #tell(names: ToolsetName[]): void {
    for (const listener of this.#listeners) listener({ kind: "refreshed", names });
  }
}

async function withIndex(
  contracts: readonly Contract[],
  use: (index: SearchIndex, shelf: Shelf) => Promise<void>,
): Promise<void> {
  const shelf = new Shelf();
  for (const contract of contracts) shelf.put(contract);
  const index = new SearchIndex(shelf, monotonicMs);
  index.start();
  try {
    await use(index, shelf);
  } finally {
    await index.stop();
    expect(shelf.listeners).toBe(0);
  }
}

const request = (query: string, facts: Partial<SearchRequest> = {}): SearchRequest => ({
  query,
  filter: ALL,
  pageSize: 20,
  pageToken: "",
  ...facts,
});

async function found(index: SearchIndex, query: string, facts: Partial<SearchRequest> = {}): Promise<string[]> {
  const { hits } = await index.search(request(query, facts), NOW);
  return hits.map(({ toolset, tool }) => (tool ? `${toolset}/${tool}` : `${toolset}`));
}

/** What a searcher of whom some toolsets and tools are hidden sees. */
function seenOf(shelf: Shelf, toolsets: readonly string[], hiddenTool = ""): Searcher {
  return {
    seen: {
      get(name) {
        const view = toolsets.includes(name) ? shelf.get(name) : undefined;
        if (view === undefined || hiddenTool === "") return view;
        const tool = (asked: string) => (asked === hiddenTool ? undefined : view.shown.tool(asked));
        return { ...view, shown: Object.assign(Object.create(view.shown), { tool }) };
      },
    },
    scope: ["acme", ...toolsets],
  };
}

describe("a search that sees only some of what there is", () => {
  const QUERIES = ["search", "issues", "fil", "serch", "code", "canary", "canari", "github create_issue", "github"];

  test("finds what an index of that alone would, with the same scores: they say nothing of what is hidden", async () => {
    const hidden = Array.from({ length: 20 }, (_, n) =>
      contract(`hidden-${n}`, {
        description: "A canary that searches issues, code and files on github.",
        tools: [tool("search")],
      }),
    );
    await withIndex([GITHUB, FILES], async (alone) => {
      await withIndex([...hidden.slice(0, 10), GITHUB, ...hidden.slice(10), FILES], async (index, shelf) => {
        for (const query of QUERIES) {
          const { hits } = await index.search(request(query), NOW, seenOf(shelf, ["github", "files"]));
          expect(hits, query).toEqual((await alone.search(request(query), NOW)).hits);
        }
        expect(await found(index, "canary")).toHaveLength(20);
      });
    });
  });

  test("does not find a tool that is hidden in a toolset that is not", async () => {
    await withIndex([GITHUB], async (index, shelf) => {
      const tools = async (searcher: Searcher) =>
        (await index.search(request("create issue"), NOW, searcher)).hits.map(({ tool }) => tool);
      expect(await tools(seenOf(shelf, ["github"]))).toContain("create_issue");
      expect(await tools(seenOf(shelf, ["github"], "create_issue"))).not.toContain("create_issue");
    });
  });

  test("has pages that are of no use to a searcher that sees other things", async () => {
    await withIndex(SOME, async (index, shelf) => {
      const asked = { pageSize: 1 };
      const mine = seenOf(shelf, ["github", "files"]);
      const { nextPageToken: pageToken } = await index.search(request("search", asked), NOW, mine);
      expect((await index.search(request("search", { ...asked, pageToken }), NOW, mine)).hits).toHaveLength(1);
      for (const other of [SEES_ALL, seenOf(shelf, ["github"])])
        await expect(index.search(request("search", { ...asked, pageToken }), NOW, other)).rejects.toMatchObject({
          reason: "INVALID_REQUEST",
        });
    });
  });
});

const GITHUB = contract("github", {
  title: "GitHub",
  description: "Repositories, issues and pull requests.",
  tags: ["code", "forge"],
  tools: [
    tool("create_issue", { title: "Create issue", description: "Opens an issue in a repository." }),
    tool("create_pull_request", { description: "Opens a pull request." }),
    tool("listCommits", { description: "Lists the commits of a branch." }),
    tool("search", { description: "Searches code." }),
  ],
});
const FILES = contract("files", {
  title: "Filesystem",
  description: "Reads and writes files in a folder.",
  tags: ["local"],
  tools: [
    tool("read_file", { description: "Returns the content of one file." }),
    tool("write_file", { description: "Replaces the content of one file.", tags: ["dangerous"] }),
    tool("search", { description: "Finds files by pattern." }),
  ],
});
const WEB = contract("web-search", {
  description: "Searches the web with several engines; mentions issues once.",
  tags: ["code"],
  tools: [tool("HTTPGet", { description: "Gets a résumé of a page." })],
});
const SOME = [GITHUB, FILES, WEB];

describe("words", () => {
  test("are split at everything but letters and digits, without accents", () => {
    expect(words("Lists the commits, of a_branch: café 2x")).toEqual([
      "lists",
      "the",
      "commits",
      "of",
      "a",
      "branch",
      "cafe",
      "2x",
    ]);
  });

  test("of names are also split at capitals, and names are found as one word too", () => {
    expect(nameWords("createPullRequest")).toEqual(["create", "pull", "request"]);
    expect(nameWords("HTTPServer.getURL")).toEqual(["http", "server", "get", "url"]);
    expect(nameTerms("create_issue")).toEqual(["create", "issue", "createissue"]);
    expect(nameTerms("search")).toEqual(["search"]);
  });
});

describe("ranking", () => {
  test.each([
    ["a toolset's very name comes first", "github", "github"],
    ["a tool's very name comes first", "create_issue", "github/create_issue"],
    ["words of a name, in any order", "issue create", "github/create_issue"],
    ["a name in another spelling", "createIssue", "github/create_issue"],
    ["a name written as one word", "createissue", "github/create_issue"],
    ["words of a camelCase name", "list commits", "github/listCommits"],
    ["an abbreviation within a name", "http get", "web-search/HTTPGet"],
    ["toolset and tool together", "files search", "files/search"],
    ["toolset and tool, joined", "github/search", "github/search"],
    ["a title", "filesystem", "files"],
    ["a tag of a tool", "dangerous", "files/write_file"],
    ["a word of a description", "pattern", "files/search"],
    ["a word without its accents", "resume", "web-search/HTTPGet"],
    ["a letter too few", "comits", "github/listCommits"],
    ["a letter too many", "pulll request", "github/create_pull_request"],
    ["a wrong letter", "pattorn", "files/search"],
    ["two letters swapped", "isseu create", "github/create_issue"],
    ["two slips in a long word", "filesystme", "files"],
    ["the beginning of a word", "repos", "github"],
  ])("%s: %s", async (_, query, first) => {
    await withIndex(SOME, async (index) => expect((await found(index, query))[0]).toBe(first));
  });

  test("the name weighs more than the description", async () => {
    await withIndex(SOME, async (index) => {
      const hits = await found(index, "issue");
      expect(hits[0]).toBe("github/create_issue");
      expect(hits).toContain("web-search");
      expect(hits.indexOf("web-search")).toBeGreaterThan(hits.indexOf("github"));
    });
  });

  test("scores fall from hit to hit, and the hits say what they are", async () => {
    await withIndex(SOME, async (index) => {
      const { hits } = await index.search(request("search files"), NOW);
      const scores = hits.map(({ score }) => Number(score));
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      expect((await index.search(request("github"), NOW)).hits[0]).toMatchObject({
        toolset: "github",
        tool: "",
        title: "GitHub",
        description: "Repositories, issues and pull requests.",
        healthy: false,
      });
    });
  });

  test("what nothing fits finds nothing", async () => {
    await withIndex(SOME, async (index) => expect(await found(index, "zzzzqqqq")).toEqual([]));
  });
});

describe("filters", () => {
  test("tags are those of the toolset, all of them, and hold for its tools", async () => {
    await withIndex(SOME, async (index) => {
      const tagged = (...tags: string[]) =>
        found(index, "search", { filter: readFilter(tags, "HEALTH_FILTER_UNSPECIFIED") });
      expect(await tagged("local")).toEqual(["files/search"]);
      expect(await tagged("code", "forge")).toEqual(["github/search"]);
      expect(await tagged("dangerous")).toEqual([]);
    });
  });

  test("health is that of the active epoch, at the time of the question", async () => {
    await withIndex(SOME, async (index, shelf) => {
      shelf.put(GITHUB, true);
      const healthy = readFilter([], "HEALTH_FILTER_HEALTHY");
      expect(new Set(await found(index, "search", { filter: healthy }))).toEqual(new Set(["github/search"]));
      expect(await found(index, "search", { filter: readFilter([], "HEALTH_FILTER_UNHEALTHY") })).not.toContain(
        "github/search",
      );
      const { hits } = await index.search(request("github"), NOW);
      expect(hits[0]?.healthy).toBe(true);
    });
  });
});

describe("pages", () => {
  const many = Array.from({ length: 30 }, (_, index) =>
    contract(`set-${String(index).padStart(2, "0")}`, {
      tools: [tool("search"), tool("fetch", { description: "search ".repeat(index % 3) })],
    }),
  );

  test("follow each other without a hit twice or left out, in one order", async () => {
    await withIndex(many, async (index) => {
      const whole = await found(index, "search", { pageSize: 200 });
      const paged: string[] = [];
      let pageToken = "";
      do {
        const page = await index.search(request("search", { pageSize: 7, pageToken }), NOW);
        expect(page.hits.length).toBeLessThanOrEqual(7);
        paged.push(...page.hits.map(({ toolset, tool }) => (tool ? `${toolset}/${tool}` : `${toolset}`)));
        pageToken = page.nextPageToken;
      } while (pageToken !== "" && paged.length < 100);
      expect(paged).toEqual(whole);
      expect(new Set(paged).size).toBe(50);
    });
  });

  test("the page size may change between pages, the question may not", async () => {
    await withIndex(many, async (index) => {
      const { nextPageToken } = await index.search(request("search", { pageSize: 7 }), NOW);
      await index.search(request("search", { pageSize: 9, pageToken: nextPageToken }), NOW);
      for (const other of [
        request("fetch", { pageToken: nextPageToken }),
        request("search", { pageToken: nextPageToken, filter: readFilter(["x"], "HEALTH_FILTER_UNSPECIFIED") }),
        request("search", { pageToken: "nonsense" }),
        request("search", { pageToken: Buffer.from("[1]").toString("base64url") }),
        request("search", { pageToken: "x".repeat(5_000) }),
      ]) {
        await expect(index.search(other, NOW)).rejects.toMatchObject({
          reason: "INVALID_REQUEST",
          violations: [{ field: "page_token" }],
        });
      }
    });
  });
});

describe("bad queries", () => {
  test.each(["", "   ", "?!", "x".repeat(257)])("%j is refused", async (query) => {
    await withIndex(SOME, async (index) => {
      await expect(index.search(request(query), NOW)).rejects.toMatchObject({
        reason: "INVALID_REQUEST",
        violations: [{ field: "query" }],
      });
    });
  });

  test("256 characters of anything are answered", async () => {
    await withIndex(SOME, async (index) => {
      for (const query of [
        "a".repeat(256),
        "a ".repeat(128),
        `${"😀".repeat(255)}a`,
        "constructor __proto__ toString",
      ]) {
        await found(index, query);
      }
    });
  });
});

describe("keeping up", () => {
  test("a search finds what was registered just before, and no more what has gone", async () => {
    await withIndex([], async (index, shelf) => {
      expect(await found(index, "github")).toEqual([]);
      shelf.put(GITHUB);
      expect((await found(index, "github"))[0]).toBe("github");
      shelf.put(contract("github", { version: "2.0.0", tools: [tool("close_issue")] }));
      expect(await found(index, "close")).toEqual(["github/close_issue"]);
      expect(await found(index, "commits")).toEqual([]);
      shelf.remove(GITHUB.name);
      expect(await found(index, "github")).toEqual([]);
    });
  });

  test("the first search waits until everything is indexed", async () => {
    const many = Array.from({ length: 2_000 }, (_, index) => contract(`set-${index}`));
    await withIndex(many, async (index) => expect(await found(index, "set-1999")).toContain("set-1999"));
  });

  test("indexing lets others run in between", async () => {
    const many = Array.from({ length: 2_000 }, (_, index) =>
      contract(`set-${index}`, { description: "words and words ".repeat(50) }),
    );
    await withIndex(many, async (index) => {
      let turns = 0;
      let done = false;
      const searching = found(index, "set-1999").then(() => {
        done = true;
      });
      while (!done) {
        await setImmediate();
        turns++;
      }
      await searching;
      expect(turns).toBeGreaterThan(3);
    });
  });

  test("after many changes the index is renewed, and nothing is lost meanwhile", async () => {
    await withIndex(SOME, async (index, shelf) => {
      let mostDead = 0;
      for (let round = 1; round <= 40; round++) {
        for (let set = 0; set < 100; set++) shelf.put(contract(`churn-${set}`, { version: `${round}.0.0` }));
        expect((await found(index, "github"))[0]).toBe("github");
        expect(await found(index, "churn", { pageSize: 200 })).toHaveLength(200);
        mostDead = Math.max(mostDead, index.size.dead);
      }
      // 40 rounds leave 8,000 behind; it is renewed from 2,000 on, while up to two more rounds come in.
      expect(mostDead).toBeGreaterThan(1_000);
      expect(mostDead).toBeLessThan(3_000);
      for (let set = 0; set < 100; set++) shelf.remove(contract(`churn-${set}`).name);
      expect(await found(index, "churn")).toEqual([]);
      expect((await found(index, "create_issue"))[0]).toBe("github/create_issue");
    });
  });

  test("a search that waits when the index stops is refused", async () => {
    const shelf = new Shelf();
    for (let index = 0; index < 500; index++) shelf.put(contract(`set-${index}`));
    const index = new SearchIndex(shelf, monotonicMs);
    index.start();
    const waiting = expect(index.search(request("set"), NOW)).rejects.toMatchObject({ reason: "NODE_DRAINING" });
    await Promise.all([index.stop(), index.stop()]);
    await waiting;
    expect(shelf.listeners).toBe(0);
  });
});
