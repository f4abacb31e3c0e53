/* exported: the words of the file that `export` writes and `import` reads, one JSON object a line (apikey-formats(5)). */
#ifndef CLI_EXPORTED_H
#define CLI_EXPORTED_H

/*
 * The first line: which format this is, and the ids that were given; then a
 * line for each key, each spent uid and each gid of a role's group; the last
 * line says that the file is whole. The same keys give the same bytes.
 */
#define EXPORTED_FORMAT "apikey-export"
#define EXPORTED_VERSION 1

#endif
