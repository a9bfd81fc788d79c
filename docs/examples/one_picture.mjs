import { writeFile } from "node:fs/promises";

import { Atelier } from "atelier-client";

const atelier = new Atelier({ baseUrl: process.env.API, apiKey: process.env.API_KEY });
const generation = await atelier.run("sketch", { prompt: "a lighthouse at dawn", width: 512, height: 512 });
const [picture] = await atelier.download(generation);

await writeFile("picture.png", picture.stream());
console.log(generation.id, generation.status, generation.output);
