const port = 8080

export default {
  listeners: {
    web: { address: `127.0.0.1:${port}`, door: 'gateway', timeouts: { head: 10 } },
  },
  // a comment with a { brace
  gateway: {
    routes: [
      { name: 'all', match: { path: 'users' }, to: 'app' },
      { name: 'other', macth: {}, to: ['a', 'b'].join('') },
    ],
    upstreams: { app: { endpoints: ['http://127.0.0.1:9000'], 'parent': {} } },
  },
}
