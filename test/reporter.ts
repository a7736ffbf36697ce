import process from 'node:process'
import type { SerializedError } from 'vitest'
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

interface Counts {
  passed: number
  failed: number
}

/** Ends a suite's output with one line that people and .ci/run can read: `12 passed, 0 failed`. */
export class CountReporter implements Reporter {
  /** A run that never gets to its end has failed. */
  #counts: Counts = { passed: 0, failed: 1 }

  onInit(): void {
    // Written at the exit: vitest may have something to say after the run's end.
    process.once('exit', () => {
      const { passed, failed } = this.#counts
      process.stdout.write(`${String(passed)} passed, ${String(failed)} failed\n`)
    })
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    this.#counts = countTests(modules, unhandledErrors.length)
    // Whatever else made the run fail (no test file found, an interruption) is one failure.
    if (reason !== 'passed' && this.#counts.failed === 0) this.#counts.failed = 1
    if (this.#counts.failed > 0) process.exitCode = 1
  }
}

function countTests(modules: readonly TestModule[], unhandledErrors: number): Counts {
  // A test skipped on a developer's machine may lack a tool; in CI every tool must be there.
  const isSkipAllowed = process.env.CI === undefined
  const counts = { passed: 0, failed: unhandledErrors }
  for (const module of modules) {
    counts.failed += module.errors().length
    for (const suite of module.children.allSuites()) counts.failed += suite.errors().length
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') counts.passed += 1
      else if (state !== 'skipped' || !isSkipAllowed) counts.failed += 1
    }
  }
  return counts
}
