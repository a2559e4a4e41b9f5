// The whole suite runs over compiled-on-the-fly TypeScript; types are checked by `npm run check`.
const swc = [
  '@swc/jest',
  { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
]
const esmOnly = '(jose|openid-client|oauth4webapi)'

module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: { '^.+\\.ts$': swc, [`^.+/node_modules/${esmOnly}/.+\\.js$`]: swc },
  transformIgnorePatterns: [`/node_modules/(?!${esmOnly}/)`],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  testTimeout: 30_000,
  // Most tests wait for sockets and other processes, so no core is kept free for the runner.
  maxWorkers: '100%',
}
