/** `acme` of `acme.example.com`; '' for the domain itself, for hosts below a tenant's, and for others. */
export function hostLabel(host: string, domain: string): string {
  const label = host.endsWith(`.${domain}`) ? host.slice(0, -domain.length - 1) : ''
  return label.includes('.') ? '' : label
}
