import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** What one store takes to trust an authority, or to forget it. */
export interface TrustPlan {
  store: StoreName
  /** What it is, for people. */
  title: string
  steps: TrustStep[]
  /** It is the machine's: root alone may change it. */
  root: boolean
  /** Written after its documentation alone. */
  untested: boolean
}

/** A file that is written with the certificate or goes, or a program that is run. */
export type TrustStep =
  | { write: string }
  | { remove: string }
  | { folder: string }
  | {
      run: [string, ...string[]]
      /** What the program says where it was so already. */
      already?: RegExp
    }

export const storeNames = ['system', 'nss', 'java'] as const
export type StoreName = (typeof storeNames)[number]

/** The machine that the plans are for, and the authority. */
export interface TrustSubject {
  platform: string
  home: string
  has(program: string): boolean
  /** PEM file of its certificate. */
  file: string
  /** What it is called in stores; differs from authority to authority. */
  label: string
  /** As certificates write it, in hex. */
  serial: string
  /** Hex without colons. */
  sha256: string
  remove: boolean
}

/** How each of the stores that are here is changed. */
export function trustPlans(subject: TrustSubject): TrustPlan[] {
  return [systemPlan(subject), ...nssPlans(subject), javaPlan(subject)].filter((plan) => plan !== null)
}

function systemPlan(subject: TrustSubject): TrustPlan | null {
  const { platform, file, label, serial, sha256, home, remove } = subject
  if (platform === 'darwin') {
    const keychain = join(home, 'Library/Keychains/login.keychain-db')
    const steps: TrustStep[] = remove
      ? [{ run: ['security', 'remove-trusted-cert', file] }, { run: ['security', 'delete-certificate', '-Z', sha256] }]
      : [{ run: ['security', 'add-trusted-cert', '-r', 'trustRoot', '-k', keychain, file] }]
    return system('the login keychain of macOS', steps, false, true)
  }
  if (platform === 'win32') {
    const steps: TrustStep[] = [
      {
        run: remove
          ? ['certutil', '-user', '-delstore', 'Root', serial]
          : ['certutil', '-user', '-addstore', 'Root', file],
      },
    ]
    return system("this user's root store of Windows", steps, false, true)
  }
  if (subject.has('update-ca-certificates')) {
    const path = `/usr/local/share/ca-certificates/${label}.crt`
    // It forgets what is gone with --fresh alone, and never tells Java's store, which it filled.
    const inJava: TrustStep[] = subject.has('keytool') ? [javaRemoval(`debian:${label}.pem`)] : []
    const steps: TrustStep[] = remove
      ? [{ remove: path }, { run: ['update-ca-certificates', '--fresh'] }, ...inJava]
      : [{ write: path }, { run: ['update-ca-certificates'] }]
    return system("the system's store (Debian, Ubuntu)", steps, true, false)
  }
  if (subject.has('update-ca-trust')) {
    const path = `/etc/pki/ca-trust/source/anchors/${label}.pem`
    const steps: TrustStep[] = [remove ? { remove: path } : { write: path }, { run: ['update-ca-trust', 'extract'] }]
    return system("the system's store (Fedora)", steps, true, true)
  }
  return null
}

function system(title: string, steps: TrustStep[], root: boolean, untested: boolean): TrustPlan {
  return { store: 'system', title, steps, root, untested }
}

/** Chromium's store of this user, and one of each profile of Firefox. */
function nssPlans(subject: TrustSubject): TrustPlan[] {
  const { platform, home, file, label, remove } = subject
  if (platform === 'win32' || !subject.has('certutil')) return []
  const own = join(home, '.pki/nssdb')
  const profiles = [
    '.mozilla/firefox',
    'snap/firefox/common/.mozilla/firefox',
    'Library/Application Support/Firefox/Profiles',
  ]
    .map((folder) => join(home, folder))
    .flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []))
    .filter((folder) => existsSync(join(folder, 'cert9.db')))
  const isThere = existsSync(join(own, 'cert9.db'))
  const all = [...(platform === 'darwin' || (remove && !isThere) ? [] : [own]), ...profiles]
  return all.map((folder) => {
    const database = `sql:${folder}`
    const first: TrustStep[] =
      folder === own && !isThere ? [{ folder }, { run: ['certutil', '-N', '--empty-password', '-d', database] }] : []
    const change: TrustStep = {
      already: /could not find certificate named/,
      run: remove
        ? ['certutil', '-D', '-d', database, '-n', label]
        : // C: trusted to sign for servers, and for nothing else.
          ['certutil', '-A', '-d', database, '-t', 'C,,', '-n', label, '-i', file],
    }
    const title = folder === own ? 'the store of Chromium (NSS)' : `the Firefox profile ${folder}`
    return { store: 'nss', title, steps: [...first, change], root: false, untested: false }
  })
}

function javaPlan(subject: TrustSubject): TrustPlan | null {
  if (!subject.has('keytool')) return null
  const { file, label } = subject
  const step: TrustStep = subject.remove
    ? javaRemoval(label)
    : {
        run: ['keytool', '-importcert', '-noprompt', '-trustcacerts', ...inJavaStore(label), '-file', file],
        already: /alias <\S+> already exists/i,
      }
  return { store: 'java', title: 'the store of Java', steps: [step], root: false, untested: false }
}

function javaRemoval(alias: string): TrustStep {
  return { run: ['keytool', '-delete', '-noprompt', ...inJavaStore(alias)], already: /alias <\S+> does not exist/i }
}

/** The password is that of the store that comes with every Java; it keeps nothing secret. */
function inJavaStore(alias: string): string[] {
  return ['-cacerts', '-storepass', 'changeit', '-alias', alias]
}
