fetch("https://HOST/api/generate", {
  method: "POST",
  headers: {
    Authorization: "YOUR_API_KEY",
    "Content-Type": "application/json",
  },
  body: JSON.stringify({
    model: "playground-v2",
    input: {
      prompt: "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k",
    },
    webhook: "https://your-server.com/api/webhook",
  }),
})
  .then((answer) => answer.json())
  .then((generation) => console.log(generation.id, generation.status));
