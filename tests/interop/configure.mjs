// Gives the command that a host starts for an extension, by the packer's own code.
// Arguments: the folder of the packages. Standard input: manifest, extensionPath, userConfig. An unset answer is an error.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const packer = `${process.argv[2]}/node_modules/@anthropic-ai/mcpb/dist/index.js`;
const { getMcpConfigForManifest } = await import(pathToFileURL(packer));
const asked = JSON.parse(readFileSync(0, "utf8"));
const configured = await getMcpConfigForManifest({ ...asked, pathSeparator: "/", systemDirs: {} });
const text = JSON.stringify(configured);
if (text.includes("${")) throw new Error(`not all is filled in: ${text}`);
console.log(text);
