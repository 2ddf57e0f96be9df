/** As much of a CycloneDX document as is changed here. */
export interface Sbom {
  metadata: { component: { name: string } }
  components: Component[]
  dependencies: { ref: string; dependsOn: string[] }[]
}

interface Component {
  'bom-ref': string
  properties?: { name: string; value: string }[]
}

const FOR_DEVELOPMENT = 'cdx:npm:package:development'

/**
 * What is installed where the server runs. `npm sbom --omit dev` leaves out packages that both tools and the server need
 * (npm 11 named 122 of 192, without ioredis, pino and tRPC): so all are asked for, and those for development go here.
 * @param name of the product; npm takes the folder's
 */
export const withoutDevelopment = (sbom: Sbom, name: string): Sbom => {
  const components = sbom.components.filter(
    ({ properties = [] }) => !properties.some((property) => property.name === FOR_DEVELOPMENT),
  )
  const kept = new Set(components.map((component) => component['bom-ref']))
  const product = sbom.dependencies.filter(({ ref }) => !sbom.components.some((each) => each['bom-ref'] === ref))
  const dependencies = [...product, ...sbom.dependencies.filter(({ ref }) => kept.has(ref))].map(
    ({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }),
  )
  const component = { ...sbom.metadata.component, name }
  return { ...sbom, metadata: { ...sbom.metadata, component }, components, dependencies }
}
