/** A page that a browser came to. */
export interface Page {
  url: string
  status: number
  /** Where it would go next; null: it stays. */
  location: string | null
  body: string
  headers: Headers
}

const MOST_HOPS = 15

/** What a browser does with cookies and redirects, of several hosts. */
export class Browser {
  /** By origin and name. */
  readonly cookies = new Map<string, Map<string, string>>()
  /** Where it went, in order. */
  readonly visited: string[] = []

  /** @param places origins that are reached elsewhere than they are called, such as a proxy's */
  constructor(
    private readonly places: Readonly<Record<string, string>>,
    private readonly accept = 'text/html',
  ) {}

  /** One request, without what it leads to. */
  async open(address: string): Promise<Page> {
    const url = new URL(address)
    this.visited.push(url.href)
    const jar = this.jarOf(url.origin)
    const response = await fetch((this.places[url.origin] ?? url.origin) + url.pathname + url.search, {
      redirect: 'manual',
      headers: { Accept: this.accept, Cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const cookie of response.headers.getSetCookie()) this.keep(jar, cookie)
    const location = response.headers.get('location')
    return {
      ...{ url: url.href, status: response.status, headers: response.headers, body: await response.text() },
      location: location === null ? null : new URL(location, url).href,
    }
  }

  /** As far as redirects lead, or to before the first place that `isEnd`. */
  async follow(address: string, isEnd: (url: string) => boolean = () => false): Promise<Page> {
    let page = await this.open(address)
    for (let hop = 0; hop < MOST_HOPS && page.location !== null && !isEnd(page.location); hop += 1) {
      page = await this.open(page.location)
    }
    return page
  }

  cookie(origin: string, name: string): string | undefined {
    return this.jarOf(origin).get(name)
  }

  /** What goes with a request to this host. */
  header(origin: string): string {
    return [...this.jarOf(origin)].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  private jarOf(origin: string): Map<string, string> {
    const known = this.cookies.get(origin)
    if (known !== undefined) return known
    const jar = new Map<string, string>()
    this.cookies.set(origin, jar)
    return jar
  }

  private keep(jar: Map<string, string>, cookie: string): void {
    const [pair = '', ...attributes] = cookie.split('; ')
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const
    const isOver = attributes.some((text) => /^max-age=0$/i.test(text) || /^expires=.*1970/i.test(text))
    if (isOver || value === '') jar.delete(name)
    else jar.set(name, value)
  }
}
