/** The last part of a path of the host's machine, whichever way its slashes lean. */
export function fileNameFrom(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}
