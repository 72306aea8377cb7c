/** A finished row's text: a short value, and a remark that may be long. */
export interface Row {
  readonly value: string;
  readonly remark: string;
}

/** The streams of a report: where it goes, and whether lines can be rewritten there. */
export interface ReportOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const LABEL_WIDTH = 8;
const VALUE_WIDTH = 18;
/** What takes longer shows that it is under way, in milliseconds. */
const PATIENCE_MS = 1_000;

/** What a person reads while things start: aligned rows, and a sign of life from whatever takes over a second. */
export class Report {
  readonly #output: ReportOutput;

  constructor(output: ReportOutput) {
    this.#output = output;
  }

  /** One line, as it is. */
  line(text = ""): void {
    this.#output.write(`${text}\n`);
  }

  /**
   * One row: label, value, remark. While the work is under way, what it says through `progress` is shown: on a terminal
   * in place, with the seconds; elsewhere as a line of its own, once per text.
   */
  async row(label: string, work: (progress: (text: string) => void) => Promise<Row>): Promise<void> {
    const start = performance.now();
    let doing = "starting";
    let shown = "";
    const show = (): void => {
      const seconds = Math.round((performance.now() - start) / 1_000);
      if (this.#output.isTTY)
        this.#output.write(`\r\u001b[K${this.#clip(`  ${label.padEnd(LABEL_WIDTH)} ${doing} … ${seconds} s`)}`);
      else if (shown !== doing) this.line(`  ${label.padEnd(LABEL_WIDTH)} ${doing} …`);
      shown = doing;
    };
    const ticking = setInterval(show, PATIENCE_MS);
    try {
      const { value, remark } = await work((text) => {
        doing = text;
      });
      this.#clear(shown);
      this.line(`  ${label.padEnd(LABEL_WIDTH)} ${value.padEnd(VALUE_WIDTH)} ${remark}`.trimEnd());
    } catch (error) {
      this.#clear(shown);
      throw error;
    } finally {
      clearInterval(ticking);
    }
  }

  #clear(shown: string): void {
    if (shown !== "" && this.#output.isTTY) this.#output.write("\r\u001b[K");
  }

  /** A line that is rewritten must not wrap. (A terminal may not say how wide it is, or say 0.) */
  #clip(text: string): string {
    const width = (this.#output.columns || 80) - 1;
    return text.length > width ? `${text.slice(0, width - 1)}…` : text;
  }
}
