// A question's convergence analysis: read in pages, from wherever one likes, and put together by version.

import { ask } from "./asking.js";

/**
 * Read the pages of an analysis.
 *
 * @param {string[]} path Where it is.
 * @param {number} slot The question's.
 * @param {number} after The seq behind which its revisions are read.
 * @param {number} until The seq at which no further page is asked for.
 */
export async function readPages(path, slot, after, until, signal) {
  const pages = [];
  for (let offset = after; offset !== null && offset < until; offset = pages.at(-1).next_offset) {
    pages.push(await ask(path, { slot, offset }, signal));
  }
  return pages;
}

/** Put pages together, the earliest first: of a version in several of them the last one's is taken, as is all else. */
export function joined(pages) {
  const versions = new Map();
  for (const page of pages) {
    const scores = new Map((page.scores ?? []).map((each) => [each.version, each]));
    for (const pair of page.similarities) {
      const version = pair.revision_pair[1];
      versions.set(version, { pair, score: scores.get(version) });
    }
  }
  const inOrder = [...versions].sort(([one], [other]) => one - other).map(([, each]) => each);
  const scores = inOrder.flatMap(({ score }) => score ?? []);
  return { ...pages.at(-1), similarities: inOrder.map(({ pair }) => pair), scores: scores.length ? scores : null };
}
