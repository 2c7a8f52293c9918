/** Returns a driver that shares the data of `driver` and whose `close` leaves `driver` open. */
exports.sharing = (driver) =>
  new Proxy(driver, {
    get(target, name) {
      if (name === "close") return async () => {};
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
