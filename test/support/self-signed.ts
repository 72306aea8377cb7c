import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Whether certificates can be made on this machine. */
export function opensslWorks(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Makes a certificate of its own for 127.0.0.1, and its key, in a folder. */
export function selfSignedIn(folder: string, name: string, days = 365): { tlsCert: string; tlsKey: string } {
  const [tlsCert, tlsKey] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const files = ["-nodes", "-keyout", tlsKey, "-out", tlsCert, "-days", String(days)];
  execFileSync("openssl", ["req", "-x509", ...curve, ...files, ...subject], { stdio: "ignore" });
  return { tlsCert, tlsKey };
}
