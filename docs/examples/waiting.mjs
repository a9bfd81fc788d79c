import { Atelier, GenerationFailedError } from "atelier-client";

const atelier = new Atelier({ baseUrl: process.env.API, apiKey: process.env.API_KEY });
const submitted = await atelier.submit("sketch", { prompt: "a lighthouse at dawn" });
console.log(submitted.id, submitted.status); // keep the id: another process may wait for it
try {
  const onUpdate = ({ status }) => console.log(status);
  const generation = await atelier.wait(submitted.id, { timeout: 300_000, onUpdate });
  console.log(generation.output);
} catch (error) {
  if (!(error instanceof GenerationFailedError)) throw error;
  console.log(error.generation.error);
}
