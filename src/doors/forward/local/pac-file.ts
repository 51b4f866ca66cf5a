/** What a PAC file says. */
export interface PacOptions {
  /** The ways to the proxy, best first, as PAC has them: `PROXY host:port`. */
  ways: readonly string[]
  /** Hosts that are reached without it: `a.example`, `*.a.example` (what is below it), an address, `*`. */
  direct: readonly string[]
}

/**
 * A proxy auto-configuration file: the JavaScript function `FindProxyForURL`, in what the oldest browsers understand.
 * This machine and names without a dot are reached directly. No way past the proxy is named where the proxy fails:
 * nobody would notice.
 */
export function pacFile({ ways, direct }: PacOptions): string {
  return `var ways = ${JSON.stringify(ways.join('; '))};
var direct = ${JSON.stringify(direct)};

function FindProxyForURL(url, host) {
  var name = host.toLowerCase().replace(/^\\[|\\]$/g, "").replace(/\\.$/, "");
  if (isHere(name) || isDirect(name)) return "DIRECT";
  return ways;
}

function isHere(name) {
  if (name.indexOf(":") >= 0) return name === "::1";
  return name.indexOf(".") < 0 || /\\.localhost$/.test(name) || /^127(\\.[0-9]+){3}$/.test(name);
}

function isDirect(name) {
  for (var i = 0; i < direct.length; i++) {
    var each = direct[i];
    if (each === "*" || each === name) return true;
    if (each.slice(0, 2) === "*." && name.slice(1 - each.length) === each.slice(1) && name.length >= each.length) return true;
  }
  return false;
}
`
}
