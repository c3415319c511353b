// Hearing what changes: one request at a time that the server answers when there is something new. While the tab is
// hidden nothing is asked, and what changed meanwhile is asked for at once when it is seen again.

const LEAST_PAUSE = 2000;
const LONGEST_PAUSE = 30_000;

const wait = (milliseconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });

function shown(signal) {
  return new Promise((resolve) => {
    const look = () => {
      if (!document.hidden || signal.aborted) {
        document.removeEventListener("visibilitychange", look);
        resolve();
      }
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look, { once: true });
    look();
  });
}

/** Wait for a while, and until the tab is seen; tells whether that is still wanted. */
export async function rested(milliseconds, signal) {
  await wait(milliseconds, signal);
  await shown(signal);
  return !signal.aborted;
}

/**
 * Follow something until the signal is aborted.
 *
 * @param {unknown} seen What is known already.
 * @param {(seen: unknown, signal: AbortSignal) => Promise<unknown>} next Waits for what is not `seen`, and gives it.
 * @param {(seen: unknown) => Promise<void>} changed Told of it.
 * @param {(error: Error | null) => void} state Told when asking fails, and with null when it works again.
 */
export async function follow(seen, next, changed, state, signal) {
  let pause = LEAST_PAUSE;
  while (!signal.aborted) {
    await shown(signal);
    const asked = new AbortController();
    const stop = () => (document.hidden || signal.aborted) && asked.abort();
    document.addEventListener("visibilitychange", stop);
    signal.addEventListener("abort", stop, { once: true });
    try {
      const found = await next(seen, asked.signal);
      if (found !== seen && !signal.aborted) await changed(found);
      seen = found;
      pause = LEAST_PAUSE;
      state(null);
    } catch (error) {
      if (signal.aborted) return;
      if (error.name !== "AbortError") {
        pause = Math.min(LONGEST_PAUSE, Math.max(2 * pause, 1000 * (error.seconds || 0)));
        state(error);
        // Without a valid token, or without the session, asking again would say the same.
        if (error.status === 401 || error.status === 403 || error.status === 404) return;
      }
    } finally {
      document.removeEventListener("visibilitychange", stop);
      signal.removeEventListener("abort", stop);
    }
    await wait(pause, signal);
  }
}
