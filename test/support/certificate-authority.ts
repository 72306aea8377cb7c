import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate and its key, in files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** What is asked for in a certificate. */
export interface CertificateRequest {
  /** As openssl writes it: `URI:spiffe://acme/agent`, `DNS:agent.acme`, `IP:127.0.0.1`. */
  readonly san?: string;
  readonly commonName?: string;
  /** It ended yesterday. */
  readonly expired?: boolean;
}

/** An authority that makes certificates, in a folder; needs openssl. */
export class CertificateAuthority {
  /** Its own certificate. */
  readonly cert: string;
  readonly #folder: string;
  readonly #config: string;

  /**
   * @param folder where its files go; it need not exist
   * @param name its own: what verifies certificates looks for authorities by their names
   */
  constructor(folder: string, name = "test authority") {
    mkdirSync(join(folder, "issued"), { recursive: true });
    this.#folder = folder;
    this.cert = join(folder, "ca.pem");
    this.#config = join(folder, "ca.conf");
    writeFileSync(join(folder, "index.txt"), "");
    writeFileSync(join(folder, "serial"), "1000\n");
    writeFileSync(join(folder, "crlnumber"), "01\n");
    writeFileSync(
      this.#config,
      `[ca]\ndefault_ca=own\n[own]\ndir=${folder}\ndatabase=${folder}/index.txt\nnew_certs_dir=${folder}/issued\nserial=${folder}/serial
crlnumber=${folder}/crlnumber\ncertificate=${this.cert}\nprivate_key=${folder}/ca.key\ndefault_md=sha256\npolicy=any\ncopy_extensions=copy
unique_subject=no\ndefault_crl_days=30\n[any]\ncommonName=supplied\n`,
    );
    const subject = ["-subj", `/CN=${name}`, "-addext", "basicConstraints=critical,CA:TRUE"];
    run(
      "req",
      "-x509",
      ...EC,
      "-nodes",
      "-keyout",
      join(folder, "ca.key"),
      "-out",
      this.cert,
      "-days",
      "30",
      ...subject,
    );
  }

  issue(
    name: string,
    { san = "IP:127.0.0.1,DNS:localhost", commonName = name, expired = false }: CertificateRequest = {},
  ): CertificateFiles {
    const [cert, key, request] = ["pem", "key", "csr"].map((end) => join(this.#folder, `${name}.${end}`)) as [
      string,
      string,
      string,
    ];
    run(
      "req",
      ...EC,
      "-nodes",
      "-keyout",
      key,
      "-out",
      request,
      "-subj",
      `/CN=${commonName}`,
      "-addext",
      `subjectAltName=${san}`,
    );
    const dates = expired ? ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"] : ["-days", "30"];
    run("ca", "-batch", "-notext", "-config", this.#config, "-in", request, "-out", cert, ...dates);
    return { cert, key };
  }

  /** Withdraws a certificate; `revocations` then lists it. */
  revoke({ cert }: CertificateFiles): void {
    run("ca", "-config", this.#config, "-revoke", cert);
  }

  /** Writes the list of what it has withdrawn, and returns its file. */
  revocations(): string {
    const file = join(this.#folder, "crl.pem");
    run("ca", "-config", this.#config, "-gencrl", "-out", file);
    return file;
  }
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

function run(...args: string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" });
}
