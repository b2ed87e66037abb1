"use strict";
/* The data: parts of it are scripts beside the page, since a page from disk may not read files. */
const compsim = (() => {
  const parts = new Map();
  const waiting = new Map();
  const NAME = /^(main|history|latents(-\d{1,6})?|(year|texts|reasons|clusters)-\d{1,4})$/;
  const TYPES = { u8: Uint8Array, i8: Int8Array, u16: Uint16Array, i16: Int16Array, u32: Uint32Array, i32: Int32Array, f32: Float32Array };

  const url = (name) => {
    if (!NAME.test(name)) throw new Error(`no such part: ${name}`);
    return `data/${name}.js`;
  };
  // The only place that makes a script: of a name that is one of the parts.
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("compsim", { createScriptURL: url })
    : { createScriptURL: url };

  function bytes(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const binary = atob(text);
    const array = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) array[i] = binary.charCodeAt(i);
    return array;
  }

  function unpack(value) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    if (typeof value.$ === "string" && typeof value.b === "string") return new TYPES[value.$](bytes(value.b).buffer);
    const result = {};
    for (const key of Object.keys(value)) result[key] = unpack(value[key]);
    return result;
  }

  function take(name, value) {
    parts.set(name, unpack(value));
  }

  function load(name) {
    if (parts.has(name)) return Promise.resolve(parts.get(name));
    if (!waiting.has(name)) {
      waiting.set(name, new Promise((resolve, reject) => {
        const element = document.createElement("script");
        element.src = policy.createScriptURL(name);
        element.onload = () => {
          waiting.delete(name);
          element.remove();
          if (parts.has(name)) resolve(parts.get(name));
          else reject(new Error(`data/${name}.js is not what it should be: make the explorer again`));
        };
        element.onerror = () => {
          waiting.delete(name);
          element.remove();
          reject(new Error(`data/${name}.js cannot be read: is the whole folder there?`));
        };
        document.head.append(element);
      }));
    }
    return waiting.get(name);
  }

  return { take, load, loaded: (name) => parts.get(name) };
})();
