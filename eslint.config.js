// The rules of ARCHITECTURE.md as lint errors: one direction of imports, native modules in one place each.
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import tseslint from 'typescript-eslint';

/** Packages that only the named files may import. */
const OWNERS = {
  'better-sqlite3': ['main/store/**'],
  'onnxruntime-node': ['main/detect/onnxSession.ts'],
  electron: ['main/electron/**', 'preload/preload.ts', 'test/electron/**'],
  'ffmpeg-static': ['main/video/ffmpegBinary.ts'],
};

/** Which folders a folder may import from besides itself; everything may import preload/contract. */
const MAY_IMPORT = {
  'preload/contract': [],
  renderer: [],
  'main/video': [],
  'main/detect': [],
  'main/track': [],
  'main/analyzer': ['main/video', 'main/detect', 'main/track'],
  'main/store': [],
  'main/media': ['main/store', 'main/video'],
  'main/runs': ['main/store', 'main/analyzer', 'main/models'],
  'main/footage': ['main/store', 'main/video'],
  'main/findings': ['main/store'],
  'main/evidence': ['main/store', 'main/video'],
  'main/cases': ['main/store'],
  'main/models': ['main/store', 'main/detect'],
};
const FOLDERS = [
  ...Object.keys(MAY_IMPORT),
  'main/electron',
  'main/loopback',
  'main/cli',
  'main/shell',
  'test',
];

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** Relative import specifiers, from inside `folder`, that reach a folder outside its list. */
function forbiddenPatterns(folder) {
  const allowed = new Set([folder, 'preload/contract', ...MAY_IMPORT[folder]]);
  const names = FOLDERS.filter((name) => !allowed.has(name));
  // Only from inside main are its folders siblings: the renderer has a runs/ and a findings/ of its own.
  const isInMain = folder.startsWith('main/');
  const tails = names.map((name) => (isInMain ? name.replace(/^main\//, '') : name)).map(escape);
  return [
    {
      regex: `^(\\.\\./)+((main|preload)/)?(${tails.join('|')})/`,
      message: `${folder} may not import this folder (see ARCHITECTURE.md, "Who may import whom").`,
    },
  ];
}

const restricted = (patterns, exemptPackages = []) => ({
  'no-restricted-imports': [
    'error',
    {
      paths: Object.keys(OWNERS)
        .filter((name) => !exemptPackages.includes(name))
        .map((name) => ({ name, message: `${name} is imported only in ${OWNERS[name].join(', ')}.` })),
      patterns,
    },
  ],
});

const folderRules = Object.keys(MAY_IMPORT).map((folder) => ({
  files: [`${folder}/**/*.ts`, `${folder}/**/*.svelte`],
  rules: restricted(forbiddenPatterns(folder)),
}));

const ownerRules = Object.entries(OWNERS).map(([name, files]) => ({
  files,
  rules: restricted(
    Object.keys(MAY_IMPORT)
      .filter((folder) => files.some((file) => file.startsWith(`${folder}/`)))
      .flatMap(forbiddenPatterns),
    [name],
  ),
}));

export default tseslint.config(
  { ignores: ['node_modules/', 'out/', 'dist/', 'test/.tmp/'] },
  ...tseslint.configs.recommendedTypeChecked,
  ...svelte.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      parserOptions: {
        project: [
          'main/tsconfig.json',
          'preload/tsconfig.json',
          'renderer/tsconfig.json',
          'test/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      ...restricted([{ regex: '/test/', message: 'Nothing imports test/.' }]),
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'No default exports.' },
        { selector: 'ExportAllDeclaration', message: 'No barrel files.' },
        { selector: 'TSEnumDeclaration', message: 'No enums.' },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { parser: tseslint.parser, extraFileExtensions: ['.svelte'] },
    },
    // Collections held in `$state.raw` are replaced whole, which is cheaper than tracking every entry.
    rules: { 'svelte/prefer-svelte-reactivity': 'off' },
  },
  ...folderRules,
  ...ownerRules,
  // A training tool: taps tensors that no session of the product gives.
  { files: ['models/training/calibrate.ts'], rules: restricted([], ['onnxruntime-node']) },
  {
    // The app opens no connection by itself: what can open one is in one file, behind `models.get`.
    files: ['main/**/*.ts'],
    ignores: ['main/models/weightsStream.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['fetch', 'WebSocket', 'EventSource'].map((name) => ({
          name,
          message: 'Connections are opened only in main/models/weightsStream.ts.',
        })),
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'vitest.config.ts'],
    rules: { 'no-restricted-imports': 'off', 'no-restricted-syntax': 'off', 'no-console': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      globals: globals.node,
      parserOptions: { project: false, program: null, projectService: false },
    },
    rules: {
      ...tseslint.configs.disableTypeChecked.rules,
      'no-restricted-imports': 'off',
      'no-restricted-syntax': 'off',
      'no-console': 'off',
    },
  },
);
